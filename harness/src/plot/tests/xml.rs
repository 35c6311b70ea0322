//! A small reader of XML that takes nothing that is not well-formed, of what a chart may hold.

use std::collections::BTreeMap;

/// An element: in the order in which they begin.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) attributes: BTreeMap<String, String>,
    /// Its own text, without that of elements in it.
    pub(super) text: String,
    /// Whether it, or one around it, has a `transform`.
    pub(super) is_turned: bool,
}

/// The elements of a document.
pub(super) fn parse(document: &str) -> Result<Vec<Element>, String> {
    let mut elements: Vec<Element> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut rest = document;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("</") {
            let (name, after) = after.split_once('>').ok_or("an end tag without its end")?;
            let index = open.pop().ok_or_else(|| format!("</{name}> ends nothing"))?;
            if elements[index].name != name {
                return Err(format!("</{name}> ends <{}>", elements[index].name));
            }
            rest = after;
        } else if let Some(after) = rest.strip_prefix('<') {
            if open.is_empty() && !elements.is_empty() {
                return Err("a second root".into());
            }
            let (tag, after) = after.split_once('>').ok_or("a tag without its end")?;
            let (tag, is_empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
            let mut element = start(tag)?;
            element.is_turned = element.attributes.contains_key("transform")
                || open.last().is_some_and(|index| elements[*index].is_turned);
            elements.push(element);
            if !is_empty {
                open.push(elements.len() - 1);
            }
            rest = after;
        } else {
            let (text, _) = rest.split_at(rest.find('<').unwrap_or(rest.len()));
            let index = *open.last().ok_or_else(|| format!("text outside: {text:?}"))?;
            elements[index].text.push_str(&unescaped(text)?);
            rest = &rest[text.len()..];
        }
    }
    if open.is_empty() { Ok(elements) } else { Err(format!("{} elements do not end", open.len())) }
}

fn start(tag: &str) -> Result<Element, String> {
    let is_name = |name: &str| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-:".contains(c))
    };
    let (name, mut rest) = tag.split_at(tag.find(' ').unwrap_or(tag.len()));
    let mut element = Element { name: name.into(), ..Element::default() };
    while !rest.is_empty() {
        let (key, after) = rest
            .strip_prefix(' ')
            .and_then(|rest| rest.split_once("=\""))
            .ok_or_else(|| format!("no attribute: {rest:?}"))?;
        let (value, after) = after.split_once('"').ok_or("an attribute without its end")?;
        if !is_name(key) || element.attributes.insert(key.into(), unescaped(value)?).is_some() {
            return Err(format!("a name that is none, or comes again: {key:?}"));
        }
        rest = after;
    }
    if is_name(name) { Ok(element) } else { Err(format!("<{name}> is no name")) }
}

fn unescaped(text: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        // Char of XML 1.0, section 2.2.
        let is_char = matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
        if !is_char || c == '<' || c == '>' {
            return Err(format!("{c:?} in text"));
        }
        if c != '&' {
            out.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        }
        let entities =
            [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>'), ("&quot;", '"'), ("&#39;", '\'')];
        let (entity, c) = (entities.iter())
            .find(|(entity, _)| rest.starts_with(entity))
            .ok_or_else(|| format!("& that is no entity: {rest:.20}"))?;
        out.push(*c);
        rest = &rest[entity.len()..];
    }
    Ok(out)
}

#[test]
fn what_is_not_well_formed_is_refused() {
    assert_eq!(parse("<a b=\"1\"><c/>x &amp; y</a>").unwrap()[0].text, "x & y");
    for wrong in [
        "<a>",
        "</a>",
        "<a></b>",
        "<a/><b/>",
        "<a>&</a>",
        "<a b=1/>",
        "<a b=\"1\" b=\"2\"/>",
        "<a b=\"<\"/>",
        "<a>\u{1}</a>",
        "<1 2/>",
        "a",
    ] {
        assert!(parse(wrong).is_err(), "{wrong}");
    }
}
