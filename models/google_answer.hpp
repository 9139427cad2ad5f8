// An answer of Gemini while it grows: the parts of its candidate, in the order in which they came.
#pragma once

#include "models/message.hpp"

#include <string>
#include <vector>

namespace varro::google {

inline constexpr size_t answer_parts_max = 10'000; // of one response

// Takes the parts of a stream's chunks and of a whole body. In a stream text goes on in the part before it; a whole
// body has whole parts. Not thread-safe.
class answer {
public:
  explicit answer(std::string provider_name);

  // A candidate: its content, and what it says about sources. False when the answer passed answer_parts_max.
  bool add(const json& candidate, bool whole);

  bool has_content() const {
    return !parts_.empty();
  }

  // The parts. Without `with_calls` calls of our tools are left out (an answer that broke off).
  std::vector<response_part> parts(bool with_calls) const;

private:
  void add_part(const json& part, bool whole);
  void add_text(const json& part, const json& details, bool whole);
  void add_call(const json& call, const json& details);
  void add_file(const json& data, const json& details);
  void add_executable_code(const json& code, const json& details, bool whole);
  void add_execution_result(const json& result, const json& details);
  void add_own_tool(const json& part, const json& details);
  void add_sources(const json& candidate);
  void add_search(const json& grounding);
  void add_fetches(const json& url_metadata);
  void add_pair(std::string_view tool_name, json args, json content);
  void fill_file_searches(const json& grounding);

  std::string provider_;
  std::vector<response_part> parts_;
  std::string execution_id_;   // of the newest code that Google ran
  std::string file_search_id_; // of a search in files whose findings are still to come
  bool has_own_tools_ = false; // parts tell of Google's tools, so that what is said about sources repeats them
};

} // namespace varro::google
