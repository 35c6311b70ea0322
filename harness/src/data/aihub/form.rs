//! What a transcript's `form` says in standard Korean and in dialect.
//!
//! The reference removes `*`, `#` and `(())`, and looks for `\([가-힣 .!?]*\)/\([가-힣 .!?]*\)`, which is
//! (dialect)/(standard). Whatever else stands in brackets stays.

/// The two texts of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Variants {
    pub(super) standard: String,
    pub(super) dialect: String,
}

/// Both texts, if one pair at least differs.
pub(super) fn variants(form: &str) -> Option<Variants> {
    let cleaned = form.replace(['*', '#'], "").replace("(())", "");
    let (mut standard, mut dialect) = (String::new(), String::new());
    let mut differs = false;
    let mut rest = cleaned.as_str();
    while let Some(open) = rest.find('(') {
        let (before, at) = rest.split_at(open);
        standard.push_str(before);
        dialect.push_str(before);
        match pair(at) {
            Some((first, second, after)) => {
                dialect.push_str(first);
                standard.push_str(second);
                differs |= first != second;
                rest = after;
            }
            None => {
                standard.push('(');
                dialect.push('(');
                rest = &at[1..];
            }
        }
    }
    standard.push_str(rest);
    dialect.push_str(rest);
    differs.then_some(Variants { standard, dialect })
}

/// `(first)/(second)` at the beginning of `text`, and what follows it.
fn pair(text: &str) -> Option<(&str, &str, &str)> {
    let (first, rest) = bracket(text)?;
    let (second, rest) = bracket(rest.strip_prefix('/')?)?;
    Some((first, second, rest))
}

/// What is in the bracket at the beginning of `text`, and what follows it.
fn bracket(text: &str) -> Option<(&str, &str)> {
    let (inner, rest) = text.strip_prefix('(')?.split_once(')')?;
    let is_allowed = |c: char| matches!(c, '가'..='힣' | ' ' | '.' | '!' | '?');
    inner.chars().all(is_allowed).then_some((inner, rest))
}
