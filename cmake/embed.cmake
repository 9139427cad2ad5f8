# cmake -DNAME=… -DINPUT=… -DOUTPUT=… -P embed.cmake: writes a C++ source that defines varro::NAME as the file's bytes.
file(READ ${INPUT} bytes HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
file(WRITE ${OUTPUT} "#include <string_view>

namespace varro {

static const unsigned char bytes[] = {${bytes}};
extern const std::string_view ${NAME};
const std::string_view ${NAME}{reinterpret_cast<const char*>(bytes), sizeof bytes};

} // namespace varro
")
