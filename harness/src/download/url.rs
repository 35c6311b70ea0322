//! What a download needs to do with URLs: join, encode, and show without secrets.

use std::fmt::Write as _;

/// `base/path`, each byte of `path` that is no unreserved character encoded (RFC 3986, section 2.1);
/// `/` still parts its segments.
pub fn join_url(base: &str, path: &str) -> String {
    let mut url = base.trim_end_matches('/').to_owned();
    url.push('/');
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                url.push(byte.into());
            }
            // Writing to a string cannot fail.
            _ => drop(write!(url, "%{byte:02X}")),
        }
    }
    url
}

/// The URL without user name, password and query, which may be secrets: for messages and files.
pub fn shown_url(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}{path}")
}

/// Whether the URL is one that can be downloaded: http or https, with a host.
pub(super) fn is_http(url: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| {
        url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
            && url
                .get(scheme.len()..)
                .is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
    })
}

/// Whether the URL is an encrypted one.
pub(super) fn is_https(url: &str) -> bool {
    url.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_encoded() {
        assert_eq!(join_url("http://m/data/", "nsmc/a b.txt"), "http://m/data/nsmc/a%20b.txt");
        assert_eq!(join_url("http://m", "가%?#"), "http://m/%EA%B0%80%25%3F%23");
    }

    #[test]
    fn secrets_are_not_shown() {
        assert_eq!(shown_url("https://me:pw@h.org:8/a/b?token=1#x"), "https://h.org:8/a/b");
        assert_eq!(shown_url("https://h.org?token=a/b@c"), "https://h.org");
        assert_eq!(shown_url("https://h.org/a@b"), "https://h.org/a@b");
        assert_eq!(shown_url("nonsense"), "nonsense");
    }

    #[test]
    fn only_http_is_downloaded() {
        assert!(is_http("http://a") && is_http("HTTPS://a/b") && is_https("Https://a"));
        for url in ["file:///etc/passwd", "ftp://a", "http://", "http:///x", "", "한국어 한국어"]
        {
            assert!(!is_http(url), "{url}");
        }
    }
}
