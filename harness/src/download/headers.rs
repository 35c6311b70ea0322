//! The header fields of a response that a download acts on.

use std::time::{Duration, SystemTime};

use ureq::http::HeaderMap;

/// What a response's header says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Fields {
    pub(super) status: u16,
    pub(super) length: Option<u64>,
    pub(super) range: Option<ContentRange>,
    pub(super) etag: Option<String>,
    pub(super) last_modified: Option<String>,
    pub(super) retry_after: Option<Duration>,
    /// Other than `identity`.
    pub(super) encoding: Option<String>,
    /// Without parameters.
    pub(super) content_type: Option<String>,
    /// What the server calls the error.
    pub(super) error_code: Option<String>,
    /// Where a redirect leads.
    pub(super) location: Option<String>,
}

/// `Content-Range` in bytes (RFC 9110, section 14.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ContentRange {
    /// First byte; none for a range that cannot be had.
    pub(super) start: Option<u64>,
    /// Size of the whole file, where it is told.
    pub(super) total: Option<u64>,
}

impl Fields {
    pub(super) fn new(status: u16, headers: &HeaderMap, now: SystemTime) -> Self {
        let text = |name: &str| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(|value| value.trim().to_owned())
        };
        Self {
            status,
            length: text("content-length").and_then(|value| value.parse().ok()),
            range: text("content-range").as_deref().and_then(content_range),
            etag: text("etag").filter(|tag| !tag.is_empty()),
            last_modified: text("last-modified").filter(|date| !date.is_empty()),
            retry_after: text("retry-after").as_deref().and_then(|value| retry_after(value, now)),
            encoding: text("content-encoding")
                .filter(|value| !value.is_empty() && !value.eq_ignore_ascii_case("identity")),
            content_type: text("content-type")
                .map(|value| value.split(';').next().unwrap_or_default().trim().to_lowercase()),
            error_code: text("x-error-code").filter(|code| !code.is_empty()),
            location: text("location").filter(|to| !to.is_empty()),
        }
    }

    /// What `If-Range` may say to get the rest of this very file: a strong ETag, else the date. A weak ETag
    /// does not stand for the bytes (RFC 9110, section 13.1.5).
    pub(super) fn validator(&self) -> Option<String> {
        self.etag
            .clone()
            .filter(|tag| !tag.starts_with("W/"))
            .or_else(|| self.last_modified.clone())
    }
}

/// `bytes 100-199/200`, `bytes 100-199/*`, `bytes */200`.
fn content_range(value: &str) -> Option<ContentRange> {
    let (range, total) = value.strip_prefix("bytes ")?.trim().split_once('/')?;
    let total = match total.trim() {
        "*" => None,
        total => Some(total.parse().ok()?),
    };
    let start = match range.trim() {
        "*" => None,
        range => Some(range.split_once('-')?.0.trim().parse().ok()?),
    };
    Some(ContentRange { start, total })
}

/// Seconds or a date (RFC 9110, section 10.2.3); a date that has passed is no wait.
fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&'static str, &str)]) -> Fields {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, value.parse().expect("a header value"));
        }
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").expect("a date");
        Fields::new(200, &headers, now)
    }

    #[test]
    fn ranges() {
        let range = |value| fields(&[("content-range", value)]).range;
        assert_eq!(
            range("bytes 100-199/200"),
            Some(ContentRange { start: Some(100), total: Some(200) })
        );
        assert_eq!(range("bytes 5-9/*"), Some(ContentRange { start: Some(5), total: None }));
        assert_eq!(range("bytes */47"), Some(ContentRange { start: None, total: Some(47) }));
        for wrong in ["", "bytes", "items 0-1/2", "bytes a-b/c", "bytes 0-1", "bytes -1/2"] {
            assert_eq!(range(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn waits_are_seconds_or_dates() {
        let wait = |value| fields(&[("retry-after", value)]).retry_after;
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(wait("Sun, 06 Nov 1994 08:50:07 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(wait("Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("soon"), None);
        assert_eq!(wait("-1"), None);
    }

    #[test]
    fn weak_tags_do_not_stand_for_bytes() {
        let date = ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(fields(&[("etag", "\"a\""), date]).validator().as_deref(), Some("\"a\""));
        assert_eq!(fields(&[("etag", "W/\"a\""), date]).validator().as_deref(), Some(date.1));
        assert_eq!(fields(&[("etag", "W/\"a\"")]).validator(), None);
    }

    #[test]
    fn encodings_and_types() {
        assert_eq!(fields(&[("content-encoding", "identity")]).encoding, None);
        assert_eq!(fields(&[("content-encoding", "gzip")]).encoding.as_deref(), Some("gzip"));
        let html = fields(&[("content-type", "Text/HTML; charset=utf-8")]).content_type;
        assert_eq!(html.as_deref(), Some("text/html"));
    }
}
