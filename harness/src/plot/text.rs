//! How wide a text will be, before any font is known.

use unicode_width::UnicodeWidthChar as _;

use super::style::TextSize;

/// The width in pixels, as the usual sans-serif fonts have it; rather too wide than too narrow.
pub(super) fn width(text: &str, size: TextSize) -> f64 {
    let ems: f64 = text.chars().map(em).sum();
    ems * size.pixels() * if size == TextSize::Title { 1.06 } else { 1.0 }
}

/// The text on one line, cut to at most `max` pixels with an ellipsis.
pub(super) fn cut(text: &str, size: TextSize, max: f64) -> String {
    if width(text, size) <= max {
        return text.to_owned();
    }
    let room = max - width("…", size);
    let mut kept = String::new();
    let mut taken = 0.0;
    for c in text.chars() {
        taken += width(c.encode_utf8(&mut [0; 4]), size);
        if taken > room {
            break;
        }
        kept.push(c);
    }
    kept.truncate(kept.trim_end().len());
    kept.push('…');
    kept
}

/// Width of a character in parts of the font size: classes of the Latin letters, and one em for wide ones.
fn em(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | 'I' | '|' | '\'' | '.' | ',' | ':' | ';' | '!' => 0.31,
        'f' | 't' | 'r' | ' ' | '(' | ')' | '[' | ']' | '-' | '/' => 0.4,
        'm' | 'w' | 'M' | 'W' | '%' | '@' => 0.92,
        'A'..='Z' => 0.7,
        _ if c.is_ascii() => 0.59,
        '…' | '→' | '←' | '↓' | '↑' | '✓' | '✗' => 1.0,
        // Controls have none, and are not written.
        _ => match c.width().unwrap_or(0) {
            0 => 0.0,
            1 => 0.66,
            _ => 1.0,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn korean_letters_are_an_em_wide_and_marks_have_no_width() {
        assert_eq!(width("한국어", TextSize::Base), 36.0);
        assert_eq!(width("e\u{301}", TextSize::Base), width("e", TextSize::Base));
    }

    #[test]
    fn what_is_cut_fits_and_what_fits_is_not_cut() {
        assert_eq!(cut("kcbert-base", TextSize::Base, 200.0), "kcbert-base");
        for max in [5.0, 20.0, 50.0] {
            let short = cut("아주 긴 이름의 모델 base", TextSize::Base, max);
            assert!(short.ends_with('…') && !short.contains(" …"), "{short}");
            assert!(width(&short, TextSize::Base) <= max.max(12.0), "{short}");
        }
    }
}
