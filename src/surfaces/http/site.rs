//! Under which names the program is reached, and from which pages: the `Host` and `Origin` of a request.
//! A page elsewhere that has its own name point here (DNS rebinding) is turned away.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use anyhow::Context as _;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::surfaces::problem::{Fault, Problem};

/// The names and pages that are let in.
#[derive(Debug)]
pub struct Site {
    /// How clients know it: scheme and authority, without a path.
    url: String,
    hosts: Vec<String>,
    origins: Vec<HeaderValue>,
}

impl Site {
    /// The site at a bound address, known by a URL where there is one, with pages of other origins.
    pub fn new(
        bound: SocketAddr,
        public_url: Option<&str>,
        origins: &[String],
    ) -> anyhow::Result<Site> {
        let mut hosts = vec![match bound.ip() {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("[{address}]"),
        }];
        if bound.ip().is_loopback() {
            hosts.extend(["localhost", "127.0.0.1", "[::1]"].map(str::to_owned));
        }
        let url = match public_url {
            None => format!("http://{bound}"),
            Some(text) => {
                let url = text.trim_end_matches('/');
                let (_, host) = origin(url)
                    .with_context(|| format!("--public-url {text} is no URL of a server, such as https://pipeline.example.com"))?;
                hosts.push(host);
                url.to_owned()
            }
        };
        let origins = origins
            .iter()
            .map(|text| {
                let url = text.trim_end_matches('/');
                let problem = || {
                    format!("--allow-origin {text} is no origin, such as https://app.example.com")
                };
                origin(url).with_context(problem)?;
                HeaderValue::from_str(url).with_context(problem)
            })
            .collect::<anyhow::Result<_>>()?;
        Ok(Site {
            url,
            hosts,
            origins,
        })
    }

    /// How clients know it: scheme and authority.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The origins of pages elsewhere that may call it.
    pub fn origins(&self) -> Vec<HeaderValue> {
        self.origins.clone()
    }

    fn knows_host(&self, host: &str) -> bool {
        let name = host_name(host);
        self.hosts
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name))
    }

    /// A page of its own may call it, and so may those named.
    fn knows_origin(&self, page: &HeaderValue, host: &str) -> bool {
        let own = |page: &str| {
            let authority = page
                .strip_prefix("http://")
                .or_else(|| page.strip_prefix("https://"));
            page == self.url
                || authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
        };
        self.origins.contains(page) || page.to_str().is_ok_and(own)
    }
}

/// The scheme and the host of a URL that has nothing else but a port.
fn origin(url: &str) -> Option<(String, String)> {
    let uri: Uri = url.parse().ok()?;
    let scheme = uri
        .scheme_str()
        .filter(|scheme| matches!(*scheme, "http" | "https"))?;
    let host = uri.host().filter(|host| !host.is_empty())?;
    matches!(uri.path(), "" | "/").then(|| (scheme.to_owned(), host.to_owned()))
}

/// A host without its port.
fn host_name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// The host that a request names.
fn host_of<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<&'a str> {
    let named = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    named.or_else(|| uri.authority().map(|authority| authority.as_str()))
}

/// Turns away requests under a foreign name or from a page that is not let in.
pub async fn check(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let host = host_of(request.headers(), request.uri()).unwrap_or_default();
    if !site.knows_host(host) {
        return Problem::new(
            Fault::UnknownHost,
            "The request names a host that this server is not known by.",
        )
        .hint("Start it with --public-url when clients know it by another name.")
        .into_response();
    }
    let is_known = |page: &HeaderValue| site.knows_origin(page, host);
    if !request
        .headers()
        .get_all(header::ORIGIN)
        .iter()
        .all(is_known)
    {
        return Problem::new(
            Fault::UnknownOrigin,
            "Pages of this origin may not call this server.",
        )
        .hint("Start it with --allow-origin to let them.")
        .into_response();
    }
    next.run(request).await
}

/// Says nothing to a browser beyond what was asked: no guessing of types, no referrers, no frames.
pub async fn say_nothing_more(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_pages_are_those_it_is_known_by() {
        let bound: SocketAddr = "127.0.0.1:8931".parse().unwrap();
        let origins = ["https://app.example.com/".to_owned()];
        let site = Site::new(bound, Some("https://pipeline.example.com"), &origins).unwrap();
        for host in [
            "localhost",
            "LOCALHOST:8931",
            "127.0.0.1:8931",
            "[::1]:8931",
            "pipeline.example.com",
        ] {
            assert!(site.knows_host(host), "{host}");
        }
        for host in [
            "",
            "evil.example.com",
            "localhost.evil.example.com",
            "127.0.0.1.evil.example.com:8931",
        ] {
            assert!(!site.knows_host(host), "{host}");
        }
        let knows =
            |page: &'static str, host| site.knows_origin(&HeaderValue::from_static(page), host);
        assert!(knows("http://localhost:8931", "localhost:8931"));
        assert!(knows("https://app.example.com", "pipeline.example.com"));
        assert!(knows("https://pipeline.example.com", "127.0.0.1:8931"));
        for page in [
            "null",
            "http://localhost:3000",
            "https://evil.example.com",
            "http://app.example.com",
        ] {
            assert!(!knows(page, "localhost:8931"), "{page}");
        }
    }

    #[test]
    fn its_own_address_of_either_kind_is_known() {
        for (bound, host) in [
            ("192.0.2.7:8931", "192.0.2.7:8931"),
            ("[2001:db8::2]:8931", "[2001:db8::2]:8931"),
        ] {
            let site = Site::new(bound.parse().unwrap(), None, &[]).unwrap();
            assert!(site.knows_host(host), "{host}");
            assert!(!site.knows_host("localhost"), "{bound}");
        }
    }

    #[test]
    fn what_is_no_site_is_refused() {
        let bound: SocketAddr = "127.0.0.1:0".parse().unwrap();
        for url in [
            "pipeline.example.com",
            "ftp://x",
            "https://x/path",
            "https://",
            "",
        ] {
            assert!(Site::new(bound, Some(url), &[]).is_err(), "{url}");
            assert!(Site::new(bound, None, &[url.to_owned()]).is_err(), "{url}");
        }
    }
}
