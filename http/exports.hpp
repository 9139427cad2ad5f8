// A chat as files that others can read. Pure functions, any thread.
#pragma once

#include "storage/records.hpp"

#include <string>

namespace varro {

// Jupyter notebook (nbformat 4.5): texts as Markdown cells, the Python tool's code as code cells with their outputs.
std::string export_notebook(const chat_contents& contents);
std::string export_markdown(const chat_contents& contents);
// pydantic-ai's list of ModelMessage.
std::string export_json(const chat_contents& contents);

// "Plot of sales.ipynb" out of the chat's title.
std::string export_file_name(const chat_record& chat, std::string_view extension);

} // namespace varro
