# cmake -DNAME=… -DINPUT=… -DOUTPUT=… -P embed_text.cmake: writes a C++ source that defines varro::NAME as the text.
file(READ ${INPUT} text)
if(text MATCHES "\\)__text__\"")
  message(FATAL_ERROR "${INPUT} holds the delimiter of the literal")
endif()
file(WRITE ${OUTPUT} "#include <string_view>

namespace varro {

extern const std::string_view ${NAME};
const std::string_view ${NAME} = R\"__text__(${text})__text__\";

} // namespace varro
")
