//! The HTTP client: one request, its header fields, its body, and what its errors mean.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, ResponseExt as _};

use super::attempt::Failure;
use super::headers::Fields;
use super::url::{is_http, is_https, origin, resolved, shown_url};
use super::{Cause, DownloadError, Secret, proxy};

/// Redirects that are followed.
const REDIRECTS: u32 = 10;

/// An HTTP client with kobench's rules: no compression, proxies from the environment, certificates of the
/// system, ten redirects at most and none from https to http.
#[derive(Debug, Clone)]
pub struct Client {
    agent: Agent,
    timeout: Duration,
}

/// A response whose body is still to come.
pub(super) struct Response {
    pub(super) fields: Fields,
    /// Where the redirects led, without secrets.
    pub(super) url: String,
    pub(super) body: Box<dyn Read>,
}

impl Client {
    /// A client that waits at most `timeout` for a connection, for the header of a response, and for
    /// each further piece of its body.
    pub fn new(timeout: Duration) -> Self {
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::PlatformVerifier)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let config = Agent::config_builder()
            .user_agent(concat!("kobench/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(REDIRECTS)
            .proxy(None)
            .timeout_resolve(Some(timeout))
            .timeout_connect(Some(timeout))
            .timeout_recv_response(Some(timeout))
            .timeout_per_read(Some(timeout))
            .timeout_per_write(Some(timeout))
            .build();
        Self { agent: config.new_agent(), timeout }
    }

    /// Asks for `url` from byte `from` on. The token is shown to the server of `url` alone: a redirect to another
    /// scheme, host or port is followed without it.
    pub(super) fn get(
        &self,
        url: &str,
        from: u64,
        if_range: Option<&str>,
        token: Option<&Secret>,
    ) -> Result<Response, Failure> {
        let Some(token) = token else { return self.ask(url, from, if_range, None) };
        let mut at = url.to_owned();
        for _ in 0..=REDIRECTS {
            let response = self.ask(&at, from, if_range, Some(token))?;
            let to = match (response.fields.status, &response.fields.location) {
                (301 | 302 | 303 | 307 | 308, Some(location)) => resolved(&at, location),
                _ => return Ok(response),
            };
            if is_https(&at) && !is_https(&to) {
                let (url, to) = (shown_url(&at), shown_url(&to));
                return Err(DownloadError::Downgrade { url, to }.into());
            }
            if origin(&to) != origin(&at) {
                return self.ask(&to, from, if_range, None);
            }
            at = to;
        }
        Err(DownloadError::Redirects { url: shown_url(url), limit: REDIRECTS }.into())
    }

    /// Asks once, with a token without following redirects.
    fn ask(
        &self,
        url: &str,
        from: u64,
        if_range: Option<&str>,
        token: Option<&Secret>,
    ) -> Result<Response, Failure> {
        let shown = shown_url(url);
        if !is_http(url) {
            let reason = "it must begin with http:// or https:// and a host".to_owned();
            return Err(DownloadError::Url { url: shown, reason }.into());
        }
        let proxy = proxy::for_url(url, |name| std::env::var(name).ok())?;
        let mut config = self.agent.get(url).config().https_only(is_https(url)).proxy(proxy);
        if token.is_some() {
            config = config.max_redirects(0).max_redirects_will_error(false);
        }
        let mut request = config.build().header("accept-encoding", "identity");
        if let Some(token) = token {
            request = request.header("authorization", token.bearer());
        }
        if from > 0 {
            request = request.header("range", format!("bytes={from}-"));
            if let Some(validator) = if_range {
                request = request.header("if-range", validator);
            }
        }
        let response = request.call().map_err(|error| self.failure(error, url))?;
        let url = shown_url(&response.get_uri().to_string());
        let fields = Fields::new(response.status().as_u16(), response.headers(), SystemTime::now());
        Ok(Response { fields, url, body: Box::new(response.into_body().into_reader()) })
    }

    /// What an error before or within a body means.
    fn failure(&self, error: ureq::Error, url: &str) -> Failure {
        let shown = shown_url(url);
        let retry = |cause| Failure::Retry { cause, after: None };
        match error {
            ureq::Error::Io(error) => match tls_reason(&error) {
                Some(reason) => DownloadError::Tls { url: shown, reason }.into(),
                None if is_lookup(&error) => retry(Cause::Host(host(&shown))),
                None => retry(Cause::Connection(error.to_string())),
            },
            ureq::Error::Timeout(_) => retry(Cause::Silence(self.timeout)),
            ureq::Error::HostNotFound => retry(Cause::Host(host(&shown))),
            error @ (ureq::Error::Protocol(_)
            | ureq::Error::ConnectionFailed
            | ureq::Error::ConnectProxyFailed(_)
            | ureq::Error::LargeResponseHeader(..)
            | ureq::Error::BodyStalled) => retry(Cause::Connection(error.to_string())),
            ureq::Error::TooManyRedirects => {
                DownloadError::Redirects { url: shown, limit: REDIRECTS }.into()
            }
            ureq::Error::RequireHttpsOnly(to) => {
                DownloadError::Downgrade { url: shown, to: shown_url(&to) }.into()
            }
            error @ (ureq::Error::Tls(_) | ureq::Error::Rustls(_) | ureq::Error::Pem(_)) => {
                DownloadError::Tls { url: shown, reason: error.to_string() }.into()
            }
            error => DownloadError::Url { url: shown, reason: error.to_string() }.into(),
        }
    }

    /// What an error while a body was read means; `cut` is the cause where the connection just ended.
    pub(super) fn body_failure(&self, error: io::Error, url: &str, cut: Cause) -> Failure {
        if matches!(
            error.kind(),
            io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
        ) {
            return Failure::Retry { cause: cut, after: None };
        }
        self.failure(error.into(), url)
    }
}

/// Whether a name could not be resolved. The standard library has no kind for that, only this message.
fn is_lookup(error: &io::Error) -> bool {
    error.to_string().starts_with("failed to lookup address information")
}

/// The host of a URL without secrets.
fn host(shown: &str) -> String {
    shown.split('/').nth(2).unwrap_or_default().to_owned()
}

/// What the TLS library says, where it is what failed: a certificate does not get better by trying again.
fn tls_reason(error: &io::Error) -> Option<String> {
    let inner = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(inner.to_string())
}
