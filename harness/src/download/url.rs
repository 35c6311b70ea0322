//! What a download needs to do with URLs: join, encode, and show without secrets.

use std::fmt::Write as _;

/// `base/path`, each byte of `path` that is no unreserved character encoded (RFC 3986, section 2.1);
/// `/` still parts its segments.
pub fn join_url(base: &str, path: &str) -> String {
    let mut url = base.trim_end_matches('/').to_owned();
    for segment in path.split('/') {
        url.push('/');
        url.push_str(&encoded_segment(segment));
    }
    url
}

/// A segment of a URL's path: each byte that is no unreserved character encoded, `/` too.
pub fn encoded_segment(segment: &str) -> String {
    let mut encoded = String::with_capacity(segment.len());
    for byte in segment.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(byte.into());
            }
            // Writing to a string cannot fail.
            _ => drop(write!(encoded, "%{byte:02X}")),
        }
    }
    encoded
}

/// Where a redirect from `base` leads (RFC 3986, section 5.2, without dot segments).
pub(super) fn resolved(base: &str, location: &str) -> String {
    let scheme = base.split("://").next().unwrap_or_default();
    if location.split(['/', '?', '#']).next().is_some_and(|start| start.ends_with(':')) {
        location.to_owned()
    } else if location.starts_with("//") {
        format!("{scheme}:{location}")
    } else if location.starts_with('/') {
        let end = base.find("://").map_or(0, |at| at + 3);
        let host = base[end..].split(['/', '?', '#']).next().unwrap_or_default();
        format!("{}{host}{location}", &base[..end])
    } else {
        let path = base.split(['?', '#']).next().unwrap_or_default();
        let folder = path.rfind('/').map_or(path, |at| &path[..=at]);
        format!("{folder}{location}")
    }
}

/// Scheme, host and port of a URL: who is asked.
pub(super) fn origin(url: &str) -> (String, String, String) {
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let scheme = scheme.to_ascii_lowercase();
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let server = authority.rsplit('@').next().unwrap_or_default();
    // Not the colons of an address in brackets.
    let (host, port) = match server.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (server, ""),
    };
    let standard = if scheme == "https" { "443" } else { "80" };
    let port = if port.is_empty() { standard } else { port };
    (scheme, host.to_ascii_lowercase(), port.to_owned())
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
    fn redirects_are_resolved() {
        let base = "https://h.org:8/a/b?c=/d";
        for (location, expected) in [
            ("https://x.org/y", "https://x.org/y"),
            ("//x.org/y", "https://x.org/y"),
            ("/y?z=https://w", "https://h.org:8/y?z=https://w"),
            ("y", "https://h.org:8/a/y"),
        ] {
            assert_eq!(resolved(base, location), expected);
        }
        assert_eq!(resolved("http://h", "/y"), "http://h/y");
    }

    #[test]
    fn origins_are_scheme_host_and_port() {
        let same = |a, b| origin(a) == origin(b);
        assert!(same("https://H.org/a", "https://h.org:443/b?c"));
        assert!(same("http://[::1]/a", "http://[::1]:80"));
        assert!(same("https://me:pw@h.org/a", "https://h.org"));
        for (a, b) in [
            ("https://h.org", "http://h.org"),
            ("https://h.org", "https://h.org:444"),
            ("https://h.org", "https://h.org.evil"),
            ("https://h.org", "https://evil/@h.org"),
            ("https://h.org", "https://h.org@evil"),
            ("https://h.org", "https://evil#@h.org"),
        ] {
            assert!(!same(a, b), "{a} {b}");
        }
    }

    #[test]
    fn segments_are_encoded() {
        assert_eq!(encoded_segment("refs/pr/1"), "refs%2Fpr%2F1");
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
