#include "models/offline/python_expression.hpp"

namespace varro {

namespace {

using kind = python_token::kind;

// Signs that stand between two operands. Those of the second list also join words ("and/or", "R&D", "me@home").
bool is_telling_operator(const python_token& token) {
  return token.what == kind::sign && is_one_of(token.text, {"+", "*", "**", "//", "==", "!=", "<=", ">="});
}

bool is_binary_operator(const python_token& token) {
  return is_telling_operator(token)
    || (token.what == kind::sign && is_one_of(token.text, {"-", "/", "%", "@", "<", ">", "&", "|", "^", "<<", ">>"}));
}

bool is_word_operator(const python_token& token) {
  return token.what == kind::name && is_one_of(token.text, {"and", "or", "in", "is", "not", "if", "else"});
}

bool is_common_module(std::string_view name) {
  return is_one_of(name, {"np", "pd", "plt", "df", "math", "sys", "os", "random", "datetime", "numpy", "pandas"});
}

// Reads an expression by what may follow what, and gathers what speaks for code. It accepts a little more than Python.
class expression_reader {
public:
  expression_reader(python_span tokens, const name_set& known) : tokens_(tokens), known_(known) {
    // nop
  }

  // Whether it is an expression; an empty one is none.
  bool read() {
    for (at_ = 0; at_ < tokens_.size(); ++at_)
      if (!(wants_operand_ ? operand() : after_operand()))
        return false;
    return brackets_.empty() && !tokens_.empty() && (!wants_operand_ || may_end_);
  }

  bool speaks_for_code() const {
    return telling_ || (operators_ > 0 && has_value_);
  }

private:
  const python_token& token() const {
    return tokens_[at_];
  }

  const python_token* next() const {
    return at_ + 1 < tokens_.size() ? &tokens_[at_ + 1] : nullptr;
  }

  bool inside(char bracket) const {
    return !brackets_.empty() && brackets_.back() == bracket;
  }

  bool expect_operand(bool may_end = false) {
    wants_operand_ = true;
    may_end_ = may_end;
    return true;
  }

  bool got_operand() {
    wants_operand_ = false;
    may_end_ = false;
    return true;
  }

  bool open() {
    brackets_ += token().text[0];
    return expect_operand(true);
  }

  bool close() {
    const char opening = token().is(")") ? '(' : token().is("]") ? '[' : '{';
    if (!inside(opening))
      return false;
    brackets_.pop_back();
    return got_operand();
  }

  bool operand() {
    const auto& t = token();
    if (t.what == kind::number || t.what == kind::string) {
      has_value_ = true;
      return got_operand();
    }
    if (t.is("("))
      return open();
    if (t.is("[") || t.is("{")) {
      // [1] and {"a": 2} are literals; [hello] is not worth running.
      telling_ = telling_ || (next() && (next()->what == kind::number || next()->what == kind::string));
      return open();
    }
    if (t.is(")") || t.is("]") || t.is("}"))
      return may_end_ && close();
    if (t.is(":"))
      return inside('[') && expect_operand(true);
    if (t.is(","))
      return may_end_ && inside('[') && expect_operand(true);
    if (t.is("+") || t.is("-") || t.is("~") || t.is("not") || t.is("await"))
      return expect_operand();
    if (t.is("*") || t.is("**"))
      return !brackets_.empty() && expect_operand();
    if (t.is("..."))
      return got_operand();
    if (t.is("lambda"))
      return skip_parameters();
    if (!is_name(t))
      return false;
    if (known_.count(t.text)) {
      has_value_ = true;
      telling_ = telling_ || tokens_.size() == 1;
    }
    return got_operand();
  }

  bool skip_parameters() {
    while (next() && !next()->is(":"))
      ++at_;
    ++at_;
    telling_ = true;
    return at_ < tokens_.size() && expect_operand();
  }

  bool after_operand() {
    const auto& t = token();
    const auto& before = tokens_[at_ - 1];
    if (t.what == kind::string)
      return before.what == kind::string;
    if (t.is("."))
      return attribute();
    if (t.is("(") || t.is("[")) {
      // "Thanks (again)" has a space where a call has none.
      telling_ = telling_ || !t.spaced;
      return open();
    }
    if (t.is(")") || t.is("]") || t.is("}"))
      return close();
    if (t.is(","))
      return expect_operand(true);
    if (t.is(":"))
      return (inside('[') || inside('{')) && expect_operand(inside('['));
    if (t.is("=") || t.is(":="))
      return !brackets_.empty() && expect_operand();
    if (t.is("for") || t.is("async"))
      return !brackets_.empty() && (telling_ = true) && (t.is("async") || expect_operand());
    if (is_word_operator(t))
      return word_operator();
    if (!is_binary_operator(t))
      return false;
    // "GPT-4", "Python + pandas", "temperature > 30": what begins with an unknown word could only be a NameError.
    if (!is_unknown_word(before)) {
      ++operators_;
      telling_ = telling_ || is_telling_operator(t);
    }
    return expect_operand();
  }

  bool attribute() {
    const auto& base = tokens_[at_ - 1];
    const auto* name = next();
    if (!name || !is_name(*name) || token().spaced || name->spaced)
      return false;
    // "example.com" is no reason to run anything; "math.pi" is.
    if (is_name(base) && (known_.count(base.text) || is_common_module(base.text)))
      telling_ = true;
    ++at_;
    return got_operand();
  }

  bool word_operator() {
    if (token().is("not")) {
      if (!next() || !next()->is("in"))
        return false;
      ++at_;
    } else if (token().is("is")) {
      // "What is 2+2" would be a comparison.
      const auto* right = next();
      const bool sensible = right && (right->is("None") || right->is("True") || right->is("False") || right->is("not"));
      if (!sensible && !known_.count(tokens_[at_ - 1].text))
        return false;
      if (right && right->is("not"))
        ++at_;
    }
    return expect_operand();
  }

  bool is_unknown_word(const python_token& t) const {
    return is_name(t) && t.text.size() > 1 && !known_.count(t.text);
  }

  python_span tokens_;
  const name_set& known_;
  size_t at_ = 0;
  std::string brackets_;
  bool wants_operand_ = true;
  bool may_end_ = false;   // the awaited operand may be missing
  bool telling_ = false;   // nobody writes this in a sentence
  bool has_value_ = false; // a literal or a known variable
  int operators_ = 0;
};

} // namespace

statement_kind judge_expression(python_span tokens, const name_set& known) {
  expression_reader reader{tokens, known};
  if (!reader.read())
    return statement_kind::prose;
  return reader.speaks_for_code() ? statement_kind::code : statement_kind::neutral;
}

} // namespace varro
