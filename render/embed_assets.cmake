# Writes OUTPUT, a C++ source that carries the files of LIST. Each line of LIST is "name|media type|file".
# Larger texts are carried compressed as well, because chart libraries weigh megabytes.
# Run with cmake -D LIST=… -D OUTPUT=… -P embed_assets.cmake
set(gzipped_bytes_min 16384)
file(STRINGS ${LIST} lines)
set(symbols "")
set(table "")
set(number 0)

# The page's modules import each other by addresses that carry one hash of them all, so that browsers keep them for ever
# and yet never mix two versions. It is their ETag, too.
set(page_hashes "")
foreach(line IN LISTS lines)
  if(line MATCHES "^page/[^|]*[|][^|]*[|](.*)$")
    file(SHA256 ${CMAKE_MATCH_1} hash)
    string(APPEND page_hashes ${hash})
  endif()
endforeach()
string(SHA256 page_hash "${page_hashes}")
string(SUBSTRING ${page_hash} 0 16 page_hash)

# The assembler reads the file; the hash in this source makes it compile again when the file changes.
macro(embed symbol path)
  string(APPEND symbols "__asm__(\".section .rodata\\n.balign 16\\n${symbol}:\\n.incbin \\\"${path}\\\"\\n\"
        \"${symbol}_end:\\n.byte 0\\n.previous\\n\");
extern \"C\" const char ${symbol}[] __attribute__((visibility(\"hidden\")));
extern \"C\" const char ${symbol}_end[] __attribute__((visibility(\"hidden\")));\n")
endmacro()

foreach(line IN LISTS lines)
  string(REPLACE "|" ";" fields "${line}")
  list(GET fields 0 name)
  list(GET fields 1 media_type)
  list(GET fields 2 path)
  if(media_type MATCHES "^text/")
    string(APPEND media_type "; charset=utf-8")
  endif()
  if(name MATCHES "^page/")
    file(READ ${path} module)
    string(REGEX REPLACE "from '\\./([a-z_]+)\\.js'" "from './\\1.js?v=${page_hash}'" module "${module}")
    set(path ${OUTPUT}.${number}.js)
    file(WRITE ${path} "${module}")
    set(hash ${page_hash})
  else()
    file(SHA256 ${path} hash)
    string(SUBSTRING ${hash} 0 16 hash)
  endif()
  set(symbol varro_asset_${number})
  embed(${symbol} ${path})
  set(gzipped "{}")
  file(SIZE ${path} bytes)
  if(media_type MATCHES "^text/" AND bytes GREATER_EQUAL gzipped_bytes_min)
    set(archive ${OUTPUT}.${number}.gz)
    file(ARCHIVE_CREATE OUTPUT ${archive} PATHS ${path} FORMAT raw COMPRESSION GZip COMPRESSION_LEVEL 9)
    embed(${symbol}_gz ${archive})
    set(gzipped "{${symbol}_gz, size_of(${symbol}_gz, ${symbol}_gz_end)}")
  endif()
  string(APPEND table "  {\"${name}\", {{${symbol}, size_of(${symbol}, ${symbol}_end)},
    \"${media_type}\", \"${hash}\", ${gzipped}}},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUTPUT} "// Made by render/embed_assets.cmake.
#include \"render/assets.hpp\"

${symbols}
namespace varro {

namespace {
size_t size_of(const char* from, const char* to) {
  return static_cast<size_t>(to - from);
}
} // namespace

const std::vector<named_asset>& all_assets() {
  static const std::vector<named_asset> table{
${table}  };
  return table;
}

} // namespace varro
")
