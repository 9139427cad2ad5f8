#include "models/media_type.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace varro {

namespace {

// Types and their extensions: the set that Python's mimetypes knows without the system's files (pydantic-ai goes by
// it), its own additions, and a few common ones (ogg, ogv, m4a, m4v, jfif) that Debian's table gives.
constexpr std::pair<std::string_view, std::string_view> extensions_by_type[] = {
  {"application/javascript", "js mjs"},
  {"application/json", "json"},
  {"application/manifest+json", "webmanifest"},
  {"application/msword", "doc dot wiz"},
  {"application/n-quads", "nq"},
  {"application/n-triples", "nt"},
  {"application/octet-stream", "a bin dll exe o obj so"},
  {"application/oda", "oda"},
  {"application/pdf", "pdf"},
  {"application/pkcs7-mime", "p7c"},
  {"application/postscript", "ai eps ps"},
  {"application/rtf", "rtf"},
  {"application/toml", "toml"},
  {"application/trig", "trig"},
  {"application/vnd.apple.mpegurl", "m3u m3u8"},
  {"application/vnd.ms-excel", "xlb xls"},
  {"application/vnd.ms-powerpoint", "pot ppa pps ppt pwz"},
  {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"},
  {"application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"},
  {"application/wasm", "wasm"},
  {"application/x-bcpio", "bcpio"},
  {"application/x-cpio", "cpio"},
  {"application/x-csh", "csh"},
  {"application/x-dvi", "dvi"},
  {"application/x-gtar", "gtar"},
  {"application/x-hdf", "hdf"},
  {"application/x-hdf5", "h5"},
  {"application/x-latex", "latex"},
  {"application/x-mif", "mif"},
  {"application/x-netcdf", "cdf nc"},
  {"application/x-pkcs12", "p12 pfx"},
  {"application/x-pn-realaudio", "ram"},
  {"application/x-python-code", "pyc pyo"},
  {"application/x-sh", "sh"},
  {"application/x-shar", "shar"},
  {"application/x-shockwave-flash", "swf"},
  {"application/x-sv4cpio", "sv4cpio"},
  {"application/x-sv4crc", "sv4crc"},
  {"application/x-tar", "tar"},
  {"application/x-tcl", "tcl"},
  {"application/x-tex", "tex"},
  {"application/x-texinfo", "texi texinfo"},
  {"application/x-troff", "roff t tr"},
  {"application/x-troff-man", "man"},
  {"application/x-troff-me", "me"},
  {"application/x-troff-ms", "ms"},
  {"application/x-ustar", "ustar"},
  {"application/x-wais-source", "src"},
  {"application/xml", "rdf wsdl xml xpdl xsl"},
  {"application/yaml", "yaml yml"},
  {"application/zip", "zip"},
  {"audio/3gpp", "3gp 3gpp"},
  {"audio/3gpp2", "3g2 3gpp2"},
  {"audio/aac", "aac adts ass loas"},
  {"audio/aiff", "aiff"},
  {"audio/basic", "au snd"},
  {"audio/flac", "flac"},
  {"audio/mp4", "m4a"},
  {"audio/mpeg", "mp2 mp3"},
  {"audio/ogg", "oga ogg"},
  {"audio/opus", "opus"},
  {"audio/wav", "wav"},
  {"audio/x-aiff", "aif aifc"},
  {"audio/x-pn-realaudio", "ra"},
  {"image/avif", "avif"},
  {"image/bmp", "bmp"},
  {"image/gif", "gif"},
  {"image/heic", "heic"},
  {"image/heif", "heif"},
  {"image/ief", "ief"},
  {"image/jpeg", "jfif jpe jpeg jpg"},
  {"image/png", "png"},
  {"image/svg+xml", "svg"},
  {"image/tiff", "tif tiff"},
  {"image/vnd.microsoft.icon", "ico"},
  {"image/webp", "webp"},
  {"image/x-cmu-raster", "ras"},
  {"image/x-portable-anymap", "pnm"},
  {"image/x-portable-bitmap", "pbm"},
  {"image/x-portable-graymap", "pgm"},
  {"image/x-portable-pixmap", "ppm"},
  {"image/x-rgb", "rgb"},
  {"image/x-xbitmap", "xbm"},
  {"image/x-xpixmap", "xpm"},
  {"image/x-xwindowdump", "xwd"},
  {"message/rfc822", "eml mht mhtml nws"},
  {"text/css", "css"},
  {"text/csv", "csv"},
  {"text/html", "htm html"},
  {"text/markdown", "md mdx"},
  {"text/n3", "n3"},
  {"text/plain", "bat c h ksh pl srt txt"},
  {"text/richtext", "rtx"},
  {"text/tab-separated-values", "tsv"},
  {"text/vtt", "vtt"},
  {"text/x-asciidoc", "asciidoc"},
  {"text/x-python", "py"},
  {"text/x-setext", "etx"},
  {"text/x-sgml", "sgm sgml"},
  {"text/x-vcard", "vcf"},
  {"video/3gpp", "three_gp"},
  {"video/mp4", "m4v mp4"},
  {"video/mpeg", "m1v mpa mpe mpeg mpg"},
  {"video/ogg", "ogv"},
  {"video/quicktime", "mov qt"},
  {"video/webm", "webm"},
  {"video/x-flv", "flv"},
  {"video/x-matroska", "mkv"},
  {"video/x-ms-wmv", "wmv"},
  {"video/x-msvideo", "avi"},
  {"video/x-sgi-movie", "movie"},
};

// These stand for two extensions at once.
constexpr std::pair<std::string_view, std::string_view> double_extensions[] = {
  {"svgz", "svg"}, {"tgz", "tar"}, {"taz", "tar"}, {"tz", "tar"}, {"tbz2", "tar"}, {"txz", "tar"},
};

constexpr std::string_view compressions[] = {"gz", "Z", "bz2", "xz", "br"};

using type_table = std::unordered_map<std::string_view, std::string_view>;

const type_table& types() {
  static const type_table table = [] {
    type_table result;
    for (const auto& [type, extensions] : extensions_by_type)
      for (size_t begin = 0; begin < extensions.size();) {
        const size_t end = std::min(extensions.find(' ', begin), extensions.size());
        result.emplace(extensions.substr(begin, end - begin), type);
        begin = end + 1;
      }
    return result;
  }();
  return table;
}

// Cuts the extension off `path` and gives it without its dot; leading dots of a file's name begin no extension.
std::string_view cut_extension(std::string_view& path) {
  const size_t slash = path.rfind('/');
  const size_t name = slash == path.npos ? 0 : slash + 1;
  const size_t dot = path.rfind('.');
  if (dot == path.npos || dot < name || path.find_first_not_of('.', name) > dot)
    return {};
  const auto extension = path.substr(dot + 1);
  path = path.substr(0, dot);
  return extension;
}

std::optional<std::string> type_of_path(std::string_view path) {
  auto extension = cut_extension(path);
  const auto small = ascii_lower(extension);
  for (const auto& [shorthand, inner] : double_extensions)
    if (small == shorthand) {
      const auto found = types().find(inner);
      return std::string{found->second};
    }
  if (std::find(std::begin(compressions), std::end(compressions), extension) != std::end(compressions))
    extension = cut_extension(path);
  const auto found = types().find(ascii_lower(extension));
  if (found == types().end())
    return std::nullopt;
  return std::string{found->second};
}

// "scheme:rest" in two; the scheme is empty when there is none.
std::pair<std::string, std::string_view> split_scheme(std::string_view url) {
  const size_t colon = url.find_first_of("/:");
  if (colon == url.npos || colon == 0 || url[colon] != ':')
    return {{}, url};
  return {ascii_lower(url.substr(0, colon)), url.substr(colon + 1)};
}

std::string host_of(std::string_view url) {
  auto rest = split_scheme(url).second;
  if (rest.substr(0, 2) != "//")
    return {};
  rest = rest.substr(2);
  rest = rest.substr(0, rest.find_first_of("/?#"));
  if (const size_t at = rest.rfind('@'); at != rest.npos)
    rest = rest.substr(at + 1);
  return ascii_lower(rest.substr(0, rest.find(':')));
}

} // namespace

std::optional<std::string> guess_media_type(std::string_view url) {
  const auto [scheme, rest] = split_scheme(url);
  if (scheme != "data")
    return type_of_path(rest);
  const size_t comma = rest.find(',');
  if (comma == rest.npos)
    return std::nullopt;
  const auto type = rest.substr(0, std::min(rest.find(';'), comma));
  if (type.find('=') != type.npos || type.find('/') == type.npos)
    return "text/plain";
  return std::string{type};
}

std::string media_type_of_url(std::string_view kind, std::string_view url) {
  if (kind == "video-url") {
    const auto host = host_of(url);
    if (host == "youtu.be" || host == "youtube.com" || host == "www.youtube.com")
      return "video/mp4";
  }
  if (auto type = guess_media_type(url))
    return *type;
  return guess_media_type(url.substr(0, url.find_first_of("?#"))).value_or("application/octet-stream");
}

std::string media_type_of_file_id(std::string_view file_id) {
  auto path = split_scheme(file_id).second;
  if (path.substr(0, 2) == "//")
    path = path.substr(std::min(path.find('/', 2), path.size()));
  return type_of_path(path.substr(0, path.find_first_of("?#"))).value_or("application/octet-stream");
}

} // namespace varro
