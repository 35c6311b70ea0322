//! Where a text is: in one column, or put together of several.

use std::fmt;

use serde::de::{self, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize};

use super::super::Column;

/// Where a text is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum TextSource {
    /// In one column.
    Column(Column),
    /// In several.
    Template(Template),
}

/// A text that is put together: `{template: "{title} {abstract}"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// Text with columns in braces; `{{` and `}}` are braces.
    pub template: String,
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Text as it is.
    Literal(String),
    /// A column, by its name, or by its index where files have no header.
    Column(String),
}

impl Template {
    /// Its pieces in order.
    ///
    /// # Errors
    /// What is wrong with it: a brace without its other half, a column without a name, no column at all.
    pub fn pieces(&self) -> Result<Vec<Piece>, String> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut characters = self.template.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '{' | '}' if characters.peek() == Some(&character) => {
                    characters.next();
                    literal.push(character);
                }
                '}' => return Err("`}` without `{`; a brace itself is written `}}`".to_owned()),
                '{' => {
                    let mut name = String::new();
                    loop {
                        match characters.next() {
                            Some('}') => break,
                            Some('{') | None => {
                                return Err(format!(
                                    "`{{{name}` is not closed; a brace itself is written `{{{{`"
                                ));
                            }
                            Some(other) => name.push(other),
                        }
                    }
                    let name = name.trim();
                    if name.is_empty() {
                        return Err("`{}` names no column".to_owned());
                    }
                    if !literal.is_empty() {
                        pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                    }
                    pieces.push(Piece::Column(name.to_owned()));
                }
                _ => literal.push(character),
            }
        }
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        if !pieces.iter().any(|piece| matches!(piece, Piece::Column(_))) {
            return Err("the template names no column; write it as {name}".to_owned());
        }
        Ok(pieces)
    }
}

impl<'de> Deserialize<'de> for TextSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = TextSource;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "the name of a column, its index from 0, or {template: \"{one} {another}\"}",
                )
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<TextSource, E> {
                Ok(TextSource::Column(Column::Name(name.to_owned())))
            }

            fn visit_u64<E: de::Error>(self, index: u64) -> Result<TextSource, E> {
                usize::try_from(index)
                    .map(|index| TextSource::Column(Column::Index(index)))
                    .map_err(|_| E::invalid_value(de::Unexpected::Unsigned(index), &self))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<TextSource, A::Error> {
                Template::deserialize(MapAccessDeserializer::new(map)).map(TextSource::Template)
            }
        }
        deserializer.deserialize_any(TextVisitor)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pieces(template: &str) -> Result<Vec<Piece>, String> {
        Template { template: template.to_owned() }.pieces()
    }

    #[test]
    fn columns_stand_in_braces() {
        let column = |name: &str| Piece::Column(name.to_owned());
        let literal = |text: &str| Piece::Literal(text.to_owned());
        assert_eq!(pieces("{a} {b.c}"), Ok(vec![column("a"), literal(" "), column("b.c")]));
        assert_eq!(pieces("{{{ a }}}!"), Ok(vec![literal("{"), column("a"), literal("}!")]));
        for (template, message) in [
            ("", "the template names no column; write it as {name}"),
            ("title", "the template names no column; write it as {name}"),
            ("{a} {", "`{` is not closed; a brace itself is written `{{`"),
            ("{a {b}", "`{a ` is not closed; a brace itself is written `{{`"),
            ("a}", "`}` without `{`; a brace itself is written `}}`"),
            ("{ }", "`{}` names no column"),
        ] {
            assert_eq!(pieces(template), Err(message.to_owned()), "{template}");
        }
    }

    #[test]
    fn what_is_neither_column_nor_template_is_an_error() {
        let parse = |yaml| serde_yaml::from_str::<TextSource>(yaml);
        let column = |column| TextSource::Column(column);
        assert_eq!(parse("a").expect("a name"), column(Column::Name("a".to_owned())));
        assert_eq!(parse("2").expect("an index"), column(Column::Index(2)));
        assert!(matches!(
            parse("{template: \"{a}\"}").expect("a template"),
            TextSource::Template(_)
        ));
        let error = parse("[a, b]").expect_err("a list").to_string();
        assert!(
            error.contains("expected the name of a column, its index from 0, or {template:"),
            "{error}"
        );
        let error = parse("{templat: \"{a}\"}").expect_err("a slip").to_string();
        assert!(error.contains("unknown field `templat`, expected `template`"), "{error}");
    }

    proptest! {
        #[test]
        fn any_text_survives_as_a_literal(text in "[a{} 가]{0,12}") {
            let template = format!("{}{{x}}", text.replace('{', "{{").replace('}', "}}"));
            let mut expected = vec![Piece::Column("x".to_owned())];
            if !text.is_empty() {
                expected.insert(0, Piece::Literal(text));
            }
            prop_assert_eq!(pieces(&template), Ok(expected));
        }
    }
}
