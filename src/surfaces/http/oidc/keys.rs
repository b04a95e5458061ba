//! The keys that an identity provider signs with: fetched, kept, and fetched anew when a token names one
//! that is not known, or after a while. Tokens never come here.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use axum::http::Uri;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};

use super::is_fit;

/// How long after an attempt the next one is made at the earliest.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long keys are used before they are fetched anew, so that one that was withdrawn is forgotten.
const OLD: Duration = Duration::from_secs(5 * 60);
/// How long one document may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The largest document that is read, in bytes.
const LARGEST: u64 = 512 * 1024;

/// Why there is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// The provider has none that fits.
    Unknown,
    /// The provider does not answer, so nobody knows.
    Unavailable,
}

/// A key, and what it is for.
#[derive(Clone)]
struct Key {
    id: Option<String>,
    algorithm: Option<Algorithm>,
    key: DecodingKey,
}

impl Key {
    /// The key of an entry; none when it is no key that signs, or of a kind that is not known.
    fn of(entry: Value) -> Option<Key> {
        let jwk: Jwk = serde_json::from_value(entry).ok()?;
        let signs = matches!(
            jwk.common.public_key_use,
            None | Some(PublicKeyUse::Signature)
        );
        let named = jwk.common.key_algorithm.map(|named| named.to_string());
        let algorithm = named.map(|named| named.parse()).transpose().ok()?;
        let key = DecodingKey::from_jwk(&jwk).ok().filter(|_| signs)?;
        Some(Key {
            id: jwk.common.key_id,
            algorithm,
            key,
        })
    }

    fn is_for(&self, id: Option<&str>, algorithm: Algorithm) -> bool {
        (id.is_none() || self.id.as_deref() == id)
            && self.algorithm.is_none_or(|only| only == algorithm)
            && self.key.family().algorithms().contains(&algorithm)
    }
}

/// What is known of the keys.
#[derive(Default)]
struct Known {
    keys: Vec<Key>,
    fetched: Option<Instant>,
    attempted: Option<Instant>,
    /// Whether the last attempt failed.
    failed: bool,
}

/// The keys of a provider.
pub struct Keys {
    issuer: String,
    known: RwLock<Known>,
    /// Held while fetching, so that many who wait for keys fetch them once.
    fetching: Mutex<()>,
}

impl Keys {
    /// The keys of an issuer, none of them known yet.
    pub fn new(issuer: &str) -> Keys {
        Keys {
            issuer: issuer.to_owned(),
            known: RwLock::default(),
            fetching: Mutex::new(()),
        }
    }

    /// The key that a token names and that signs like this. A token that names none means the only one.
    pub async fn find(
        self: &Arc<Self>,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<DecodingKey, Missing> {
        if let Some(key) = self.look(id, algorithm) {
            if self.is_old() {
                drop(self.refresh());
            }
            return Ok(key);
        }
        // It goes on when whoever asked does not wait for it.
        let _ = self.refresh().await;
        self.look(id, algorithm).ok_or_else(|| {
            if self.known(|known| known.failed || known.fetched.is_none()) {
                Missing::Unavailable
            } else {
                Missing::Unknown
            }
        })
    }

    fn known<T>(&self, read: impl FnOnce(&Known) -> T) -> T {
        read(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change(&self, change: impl FnOnce(&mut Known)) {
        change(&mut self.known.write().unwrap_or_else(PoisonError::into_inner));
    }

    fn look(&self, id: Option<&str>, algorithm: Algorithm) -> Option<DecodingKey> {
        self.known(|known| {
            let mut fitting = known.keys.iter().filter(|key| key.is_for(id, algorithm));
            match (fitting.next(), fitting.next()) {
                (Some(only), None) => Some(only.key.clone()),
                _ => None,
            }
        })
    }

    fn is_old(&self) -> bool {
        self.known(|known| {
            known.fetched.is_some_and(|at| at.elapsed() >= OLD) && !self.is_too_soon(known)
        })
    }

    fn is_too_soon(&self, known: &Known) -> bool {
        known.attempted.is_some_and(|at| at.elapsed() < PATIENCE)
    }

    /// Fetches the keys unless that was just tried. Those known are kept when it fails.
    pub fn refresh(self: &Arc<Self>) -> JoinHandle<()> {
        let keys = Arc::clone(self);
        tokio::spawn(async move {
            let _alone = keys.fetching.lock().await;
            if keys.known(|known| keys.is_too_soon(known)) {
                return;
            }
            let issuer = keys.issuer.clone();
            let fetched = tokio::task::spawn_blocking(move || fetch(&issuer)).await;
            let fetched = fetched.map_err(anyhow::Error::from).flatten();
            let now = Instant::now();
            keys.change(|known| {
                known.attempted = Some(now);
                known.failed = fetched.is_err();
                match fetched {
                    Ok(fresh) => {
                        known.keys = fresh;
                        known.fetched = Some(now);
                    }
                    Err(error) => tracing::warn!(
                        error = format!("{error:#}"),
                        "the keys of the identity provider could not be fetched"
                    ),
                }
            });
        })
    }
}

/// What a provider says about itself.
#[derive(Deserialize)]
struct Description {
    issuer: String,
    jwks_uri: String,
}

/// The entries of a set of keys, each read by itself: one of an unknown kind does not spoil the others.
#[derive(Deserialize)]
struct Entries {
    keys: Vec<Value>,
}

/// The keys of an issuer, as it publishes them now.
fn fetch(issuer: &str) -> anyhow::Result<Vec<Key>> {
    let plain = issuer.starts_with("http:");
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::PlatformVerifier)
        .build();
    let mut config = Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .max_redirects(0)
        .http_status_as_error(false)
        .https_only(!plain)
        .user_agent("expansion-pipeline")
        .tls_config(tls);
    if plain {
        // On this machine: no proxy stands between.
        config = config.proxy(None);
    }
    let agent = config.build().new_agent();
    let [openid, oauth] = descriptions(issuer)?;
    let description: Description = read(&agent, &openid)
        .or_else(|first| read(&agent, &oauth).map_err(|second| second.context(first)))?;
    ensure!(
        description.issuer == issuer,
        "the provider calls itself {}, not {issuer}",
        description.issuer
    );
    if !is_fit(&description.jwks_uri, plain) {
        bail!(
            "the keys are at {}, which is not safe",
            description.jwks_uri
        );
    }
    let entries: Entries = read(&agent, &description.jwks_uri)?;
    let keys: Vec<Key> = entries.keys.into_iter().filter_map(Key::of).collect();
    ensure!(
        !keys.is_empty(),
        "{} has no key that signs",
        description.jwks_uri
    );
    Ok(keys)
}

/// Where an issuer describes itself: as OpenID Connect has it, and as RFC 8414 has it.
fn descriptions(issuer: &str) -> anyhow::Result<[String; 2]> {
    let uri: Uri = issuer.parse().context("the issuer is no URL")?;
    let (scheme, authority) = uri
        .scheme_str()
        .zip(uri.authority())
        .context("the issuer is no URL")?;
    let path = uri.path().trim_end_matches('/');
    let base = format!("{scheme}://{authority}");
    Ok([
        format!("{base}{path}/.well-known/openid-configuration"),
        format!("{base}/.well-known/oauth-authorization-server{path}"),
    ])
}

fn read<T: DeserializeOwned>(agent: &Agent, url: &str) -> anyhow::Result<T> {
    let mut response = agent.get(url).call().with_context(|| url.to_owned())?;
    ensure!(
        response.status() == 200,
        "{url} answers {}",
        response.status()
    );
    let bytes = response
        .body_mut()
        .with_config()
        .limit(LARGEST)
        .read_to_vec()
        .with_context(|| url.to_owned())?;
    serde_json::from_slice(&bytes).with_context(|| format!("{url} is not what it should be"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_describes_itself_in_two_places() {
        let [openid, oauth] = descriptions("https://id.example.com/tenant/").unwrap();
        assert_eq!(
            openid,
            "https://id.example.com/tenant/.well-known/openid-configuration"
        );
        assert_eq!(
            oauth,
            "https://id.example.com/.well-known/oauth-authorization-server/tenant"
        );
    }
}
