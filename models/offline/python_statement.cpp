#include "models/offline/python_statement.hpp"

#include "models/offline/python_expression.hpp"

namespace varro {

namespace {

using kind = python_token::kind;

bool is_target(python_span tokens, const name_set& known) {
  int depth = 0;
  for (const auto& t : tokens) {
    if (t.is("(") || t.is("["))
      ++depth;
    else if (t.is(")") || t.is("]"))
      --depth;
    else if (depth == 0 && !is_name(t) && !t.is(",") && !t.is(".") && !t.is("*"))
      return false;
  }
  if (!tokens.empty() && tokens.front().is("*"))
    tokens = tokens.subspan(1);
  return !tokens.empty() && judge_expression(tokens, known) != statement_kind::prose;
}

// The first token outside of brackets that `matches`, or the size.
template <class Predicate>
size_t find_outside(python_span tokens, Predicate matches) {
  int depth = 0;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i].is("(") || tokens[i].is("[") || tokens[i].is("{"))
      ++depth;
    else if (tokens[i].is(")") || tokens[i].is("]") || tokens[i].is("}"))
      --depth;
    else if (depth == 0 && matches(tokens[i]))
      return i;
  }
  return tokens.size();
}

bool is_assignment_sign(const python_token& t) {
  return t.what == kind::sign
    && is_one_of(t.text, {"=", "+=", "-=", "*=", "/=", "//=", "%=", "**=", "&=", "|=", "^=", "@=", ">>=", "<<="});
}

// "x: int" without its annotation; empty when the annotation is none.
python_span without_annotation(python_span target, const name_set& known) {
  const size_t colon = find_outside(target, [](const auto& t) { return t.is(":"); });
  if (colon == target.size() || judge_expression(target.subspan(colon + 1), known) != statement_kind::prose)
    return target.first(colon);
  return {};
}

// Also "a = b = 3", any number of times.
statement_kind judge_assignment(python_span tokens, size_t sign, const name_set& known) {
  auto target = without_annotation(tokens.first(sign), known);
  while (is_target(target, known)) {
    tokens = tokens.subspan(sign + 1);
    sign = find_outside(tokens, is_assignment_sign);
    target = tokens.first(sign);
    if (sign == tokens.size())
      return judge_expression(target, known) == statement_kind::prose ? statement_kind::prose : statement_kind::code;
  }
  return statement_kind::prose;
}

bool is_dotted_name(python_span tokens, size_t& at) {
  for (bool dot = true;; dot = false) {
    if (!dot) {
      if (at >= tokens.size() || !tokens[at].is("."))
        return true;
      ++at;
    }
    if (at >= tokens.size() || !is_name(tokens[at]))
      return false;
    ++at;
  }
}

// NAME [as NAME], …
bool are_imports(python_span tokens) {
  size_t at = 0;
  for (;;) {
    if (!is_dotted_name(tokens, at))
      return false;
    if (at + 1 < tokens.size() && tokens[at].is("as") && is_name(tokens[at + 1]))
      at += 2;
    if (at == tokens.size())
      return true;
    if (!tokens[at++].is(","))
      return false;
  }
}

bool is_import(python_span tokens) {
  if (tokens[0].is("import"))
    return are_imports(tokens.subspan(1));
  size_t at = 1;
  while (at < tokens.size() && (tokens[at].is(".") || tokens[at].is("...")))
    ++at;
  if (!is_dotted_name(tokens, at) || at >= tokens.size() || !tokens[at].is("import"))
    return false;
  auto names = tokens.subspan(at + 1);
  if (names.size() == 1 && names[0].is("*"))
    return true;
  if (names.size() > 2 && names.front().is("(") && names.back().is(")"))
    names = names.subspan(1, names.size() - 2);
  return are_imports(names);
}

bool begins_compound(const python_token& t) {
  return t.what == kind::name
    && is_one_of(t.text,
                 {"if", "for", "while", "with", "def", "class", "try", "async", "elif", "else", "except", "finally"});
}

// What stands between a compound statement's first word and its colon.
bool is_head(python_span head, const name_set& known) {
  const auto word = head[0].text;
  const auto rest = head.subspan(1);
  if (word == "async")
    return !rest.empty() && (rest[0].is("def") || rest[0].is("for") || rest[0].is("with")) && is_head(rest, known);
  if (word == "def")
    return rest.size() >= 3 && is_name(rest[0]) && rest[1].is("(");
  if (word == "class")
    return !rest.empty() && is_name(rest[0]) && (rest.size() == 1 || rest[1].is("("));
  if (word == "try" || word == "else" || word == "finally")
    return rest.empty();
  if (word == "for") {
    const size_t in = find_outside(rest, [](const auto& t) { return t.is("in"); });
    return in < rest.size() && is_target(rest.first(in), known)
      && judge_expression(rest.subspan(in + 1), known) != statement_kind::prose;
  }
  const size_t as = find_outside(rest, [](const auto& t) { return t.is("as"); });
  const auto judged = judge_expression(rest.first(as), known);
  if (word == "except")
    return rest.empty() || judged != statement_kind::prose;
  return word == "with" ? judged == statement_kind::code : judged != statement_kind::prose;
}

statement_kind judge_simple(python_span tokens, const name_set& known) {
  const auto& first = tokens[0];
  if (first.is("import") || first.is("from"))
    return is_import(tokens) ? statement_kind::code : statement_kind::prose;
  if (first.is("assert") || first.is("del") || first.is("raise"))
    return tokens.size() > 1 && judge_expression(tokens.subspan(1), known) == statement_kind::code
      ? statement_kind::code
      : statement_kind::prose;
  // "continue", "pass" and "return" alone are rather said than run.
  if (first.is("pass") || first.is("break") || first.is("continue") || first.is("return"))
    return statement_kind::neutral;
  const size_t sign = find_outside(tokens, is_assignment_sign);
  return sign < tokens.size() ? judge_assignment(tokens, sign, known) : judge_expression(tokens, known);
}

statement_kind judge_compound(python_span tokens, const name_set& known) {
  const size_t colon = find_outside(tokens, [](const auto& t) { return t.is(":"); });
  if (colon == tokens.size() || !is_head(tokens.first(colon), known))
    return statement_kind::prose;
  if (colon + 1 == tokens.size())
    return statement_kind::header;
  const auto body = judge_simple(tokens.subspan(colon + 1), known);
  const bool defines = tokens[0].is("def") || tokens[0].is("class") || tokens[0].is("async");
  return defines && body == statement_kind::neutral ? statement_kind::code : body;
}

} // namespace

statement_kind judge_statement(python_span tokens, const name_set& known) {
  if (tokens.empty())
    return statement_kind::prose;
  if (tokens[0].is("@")) // a decorator: what it decorates follows
    return judge_expression(tokens.subspan(1), known) == statement_kind::prose ? statement_kind::prose
                                                                               : statement_kind::neutral;
  if (begins_compound(tokens[0]))
    return judge_compound(tokens, known);
  auto verdict = statement_kind::neutral;
  name_set learnt;
  for (const auto* names = &known; !tokens.empty(); names = &learnt) {
    const size_t end = find_outside(tokens, [](const auto& t) { return t.is(";"); });
    const auto one = end > 0 ? judge_simple(tokens.first(end), *names) : statement_kind::neutral;
    if (one == statement_kind::prose)
      return one;
    if (one == statement_kind::code)
      verdict = one;
    if (end == tokens.size())
      break;
    if (names == &known)
      learnt = known;
    learn_names(tokens.first(end), learnt);
    tokens = tokens.subspan(end + 1);
  }
  return verdict;
}

void learn_names(python_span tokens, name_set& known) {
  for (size_t i = 0; i < tokens.size(); ++i) {
    const bool is_attribute = i > 0 && tokens[i - 1].is(".");
    const bool is_called = i + 1 < tokens.size() && tokens[i + 1].is("(");
    if (is_name(tokens[i]) && !is_attribute && !is_called)
      known.emplace(tokens[i].text);
  }
}

} // namespace varro
