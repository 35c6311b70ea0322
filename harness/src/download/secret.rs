//! A token that is sent and never shown.

use std::fmt;

/// A token; its `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a token; none where it is empty or no header field can hold it.
    pub fn new(token: &str) -> Option<Self> {
        let fits = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| Self(token.to_owned()))
    }

    /// The value of `Authorization` (RFC 6750, section 2.1).
    pub(super) fn bearer(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_not_shown_and_fit_into_a_header() {
        let secret = Secret::new("hf_abc").expect("a token");
        assert_eq!(format!("{secret:?}"), "Secret(..)");
        assert_eq!(secret.bearer(), "Bearer hf_abc");
        for none in ["", "a b", "a\nb", "토큰"] {
            assert_eq!(Secret::new(none), None, "{none:?}");
        }
    }
}
