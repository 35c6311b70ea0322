//! HTML that escapes whatever comes from outside.

/// HTML that is being written. Text and attributes are escaped; only [`Html::markup`] takes markup as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Html {
    out: String,
}

/// Attributes of an element, by name.
pub(super) type Attributes<'a> = &'a [(&'a str, &'a str)];

/// Elements that have no content and no end tag.
const VOID: [&str; 3] = ["meta", "br", "hr"];

impl Html {
    /// An element with whatever `content` writes.
    pub(super) fn element(
        &mut self,
        tag: &str,
        attributes: Attributes<'_>,
        content: impl FnOnce(&mut Self),
    ) -> &mut Self {
        self.out.push('<');
        self.out.push_str(tag);
        for (name, value) in attributes {
            self.out.push(' ');
            self.out.push_str(name);
            self.out.push_str("=\"");
            escape(value, &mut self.out);
            self.out.push('"');
        }
        self.out.push('>');
        if VOID.contains(&tag) {
            return self;
        }
        content(self);
        self.out.push_str("</");
        self.out.push_str(tag);
        self.out.push('>');
        self
    }

    /// An element that holds a text alone.
    pub(super) fn leaf(
        &mut self,
        tag: &str,
        attributes: Attributes<'_>,
        text: impl AsRef<str>,
    ) -> &mut Self {
        self.element(tag, attributes, |html| {
            html.text(text.as_ref());
        })
    }

    /// Text, escaped.
    pub(super) fn text(&mut self, text: impl AsRef<str>) -> &mut Self {
        escape(text.as_ref(), &mut self.out);
        self
    }

    /// Markup of our own making, as it is: charts, styles, scripts.
    pub(super) fn markup(&mut self, markup: &str) -> &mut Self {
        self.out.push_str(markup);
        self
    }

    /// What another writer wrote.
    pub(super) fn append(&mut self, other: &Self) -> &mut Self {
        self.markup(&other.out)
    }

    /// All of it.
    pub(super) fn into_string(self) -> String {
        self.out
    }

    /// Whether nothing was written.
    pub(super) fn is_empty(&self) -> bool {
        self.out.is_empty()
    }
}

/// A piece of HTML from a closure.
pub(super) fn html(content: impl FnOnce(&mut Html)) -> Html {
    let mut html = Html::default();
    content(&mut html);
    html
}

/// Escapes text for content and attributes alike. Control characters become spaces, and characters that change the
/// direction of writing become visible: a name must not make its neighbours read otherwise than they stand.
fn escape(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(character),
            c if c.is_control() => out.push(' '),
            c if is_direction(c) => out.push_str(&format!("[U+{:04X}]", u32::from(c))),
            c => out.push(c),
        }
    }
}

/// Marks, embeddings, overrides and isolates of Unicode's bidirectional algorithm (UAX 9, table of explicit formatting
/// characters).
fn is_direction(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_attributes_are_escaped() {
        let html = html(|html| {
            html.element("p", &[("title", "\"><script>alert('1')</script>")], |html| {
                html.text("<b>&amp;\u{0}한국어\u{202e}").leaf("br", &[], "lost");
            });
        });
        assert_eq!(
            html.into_string(),
            "<p title=\"&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;\">\
             &lt;b&gt;&amp;amp; 한국어[U+202E]<br></p>"
        );
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_an_element(text in "\\PC*|[<>&\"'/a-z\u{202e}]*") {
            let html = html(|html| { html.leaf("i", &[("title", &text)], &text); }).into_string();
            // Those of the element itself, and no other.
            proptest::prop_assert_eq!((html.matches('<').count(), html.matches('>').count()), (2, 2));
            proptest::prop_assert_eq!(html.matches('"').count(), 2);
        }
    }
}
