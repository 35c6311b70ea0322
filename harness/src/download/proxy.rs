//! The proxy that the environment names, by the rules of curl: `http_proxy` for http, `https_proxy` for https,
//! `all_proxy` for both, each also in capitals; `no_proxy` lists hosts that are reached without.

use ureq::Proxy;

use super::DownloadError;
use super::url::{is_https, shown_url};

/// The proxy for a URL.
///
/// # Errors
/// [`DownloadError::Proxy`] where a variable names none.
pub(super) fn for_url(
    url: &str,
    env: impl Fn(&str) -> Option<String>,
) -> Result<Option<Proxy>, DownloadError> {
    let set = |name: &str| {
        [name.to_owned(), name.to_uppercase()]
            .into_iter()
            .find_map(|name| Some((env(&name).filter(|value| !value.trim().is_empty())?, name)))
    };
    let own = if is_https(url) { "https_proxy" } else { "http_proxy" };
    let Some((value, variable)) = set(own).or_else(|| set("all_proxy")) else { return Ok(None) };
    let bad = |_| DownloadError::Proxy { variable: variable.clone(), value: shown_url(&value) };
    let parsed = Proxy::new(value.trim()).map_err(bad)?;
    let Some((hosts, _)) = set("no_proxy") else { return Ok(Some(parsed)) };
    let mut builder = Proxy::builder(parsed.protocol()).host(parsed.host()).port(parsed.port());
    if let Some(name) = parsed.username() {
        builder = builder.username(name);
    }
    if let Some(password) = parsed.password() {
        builder = builder.password(password);
    }
    for host in hosts.split([',', ' ']).map(str::trim).filter(|host| !host.is_empty()) {
        // A name stands for the host and for those below it.
        let below = host.trim_start_matches('.');
        builder = builder.no_proxy(host).no_proxy(below).no_proxy(&format!(".{below}"));
    }
    builder.build().map(Some).map_err(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(url: &str, set: &[(&str, &str)]) -> Option<String> {
        let env = |name: &str| {
            set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let proxy = for_url(url, env).expect("a proxy")?;
        let uri = url.parse().expect("a URL");
        (!proxy.is_no_proxy(&uri)).then(|| format!("{}:{}", proxy.host(), proxy.port()))
    }

    #[test]
    fn each_scheme_has_its_variable() {
        let both = [("http_proxy", "http://plain:1"), ("HTTPS_PROXY", "http://me:pw@secure:2")];
        assert_eq!(proxy("http://a/b", &both).as_deref(), Some("plain:1"));
        assert_eq!(proxy("https://a/b", &both).as_deref(), Some("secure:2"));
        assert_eq!(proxy("https://a/b", &both[..1]), None);
        assert_eq!(proxy("https://a/b", &[("ALL_PROXY", "all:3")]).as_deref(), Some("all:3"));
        assert_eq!(proxy("https://a/b", &[("https_proxy", "")]), None);
    }

    #[test]
    fn some_hosts_need_no_proxy() {
        let set = [("http_proxy", "http://p:1"), ("NO_PROXY", "127.0.0.1, example.org,.below.net")];
        for (url, reached) in [
            ("http://127.0.0.1:80/", None),
            ("http://example.org/", None),
            ("http://www.example.org/", None),
            ("http://a.below.net/", None),
            ("http://myexample.org/", Some("p:1")),
            ("http://other.org/", Some("p:1")),
        ] {
            assert_eq!(proxy(url, &set).as_deref(), reached, "{url}");
        }
        assert_eq!(proxy("http://a/", &[set[0], ("no_proxy", "*")]), None);
    }

    #[test]
    fn a_proxy_that_is_none_is_named_without_its_password() {
        let env = |name: &str| (name == "https_proxy").then(|| "gopher://me:pw@x:1".to_owned());
        let error = for_url("https://a", env).expect_err("no proxy").to_string();
        assert_eq!(error, "https_proxy names no proxy: `gopher://x:1`");
    }
}
