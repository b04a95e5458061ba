//! Callers whom an identity provider vouches for: the program as a resource server of OAuth 2.1. Belongs
//! here: what a token must say, who its caller is and what they may do. Where the keys come from stands
//! in `keys`, what clients are told about it in `resource`.

mod keys;
mod resource;

use std::fmt::Write as _;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use axum::http::Uri;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header, get_current_timestamp};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use self::keys::{Keys, Missing};
pub use self::resource::Resource;
use crate::engine::{Caller, Door, Role, clean};

/// How a token may be signed: with a key of which the provider publishes one half only. None of the
/// algorithms of a shared secret is among them, nor `none`.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];
/// What a token may call itself; one of another kind was made for something else.
const KINDS: [&str; 3] = ["at+jwt", "application/at+jwt", "jwt"];
/// How far the provider's clock may be from ours, in seconds.
const LEEWAY: u64 = 30;
/// The longest token that is looked at, in bytes.
const LONGEST: usize = 16 * 1024;
/// The longest subject that is shown as it is.
const LONGEST_SUBJECT: usize = 48;

/// The scopes and the roles they stand for, those that may least first.
pub const SCOPES: [(&str, Role); 3] = [
    ("pipeline:read", Role::Viewer),
    ("pipeline:write", Role::Expansion),
    ("pipeline:admin", Role::Admin),
];

/// Which identity provider is believed, and what its tokens must be made out to.
#[derive(Debug, Clone)]
pub struct Trusted {
    /// The provider, as it names itself in `iss`.
    pub issuer: String,
    /// This server, as `aud` names it.
    pub audience: String,
}

impl Trusted {
    /// Refuses what no provider and no server can be called.
    pub fn check(&self) -> anyhow::Result<()> {
        let Trusted { issuer, audience } = self;
        if !is_fit(issuer, true) || issuer.contains(['?', '#']) {
            bail!(
                "--oidc-issuer {issuer} is no URL of an identity provider, such as https://id.example.com: \
                 it begins with https:// (http:// on this machine only) and has neither ? nor #"
            );
        }
        audience
            .parse::<Uri>()
            .ok()
            .filter(|uri| uri.scheme().is_some() && !audience.contains('#'))
            .with_context(|| {
                format!(
                    "--oidc-audience {audience} is no URI, such as https://pipeline.example.com/mcp"
                )
            })?;
        Ok(())
    }
}

/// Whether something may be fetched from a URL: encrypted, or from this machine where that is allowed.
fn is_fit(url: &str, plain_on_this_machine: bool) -> bool {
    let Ok(uri) = url.parse::<Uri>() else {
        return false;
    };
    let has_user = uri
        .authority()
        .is_none_or(|authority| authority.as_str().contains('@'));
    match uri.scheme_str() {
        _ if has_user => false,
        Some("https") => true,
        Some("http") => plain_on_this_machine && uri.host().is_some_and(is_this_machine),
        _ => false,
    }
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Why a token does not let its bearer in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// It is not good, for this reason.
    Invalid(&'static str),
    /// It is good and allows nothing here.
    Powerless,
    /// Whether it is good cannot be told now.
    Unknown,
}

/// A caller whom the provider vouches for.
pub struct Vouched {
    /// Who it is.
    pub caller: Caller,
    /// For how long.
    pub term: Term,
}

/// When a token ends: `exp`, in seconds, with the leeway.
#[derive(Debug, Clone, Copy)]
pub struct Term(u64);

impl Term {
    /// Whether a token of this term would be turned away now.
    pub fn is_over(self) -> bool {
        get_current_timestamp() > self.0.saturating_add(LEEWAY)
    }
}

/// A number of seconds, which may have a fraction; 0 where there is none, which the checks refuse.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "what is out of range ends at once or never"
)]
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let rounded = value.as_f64().map(|seconds| seconds as u64);
    Ok(value.as_u64().or(rounded).unwrap_or_default())
}

/// What is read of a token.
#[derive(Debug, Deserialize)]
struct Claims {
    sub: String,
    #[serde(default, deserialize_with = "seconds")]
    exp: u64,
    name: Option<String>,
    preferred_username: Option<String>,
    client_id: Option<String>,
    azp: Option<String>,
    scope: Option<Words>,
    scp: Option<Words>,
}

/// Scopes: one text with spaces (RFC 9068), or a list as some providers have it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Words {
    Text(String),
    List(Vec<String>),
}

impl Words {
    fn has(&self, scope: &str) -> bool {
        match self {
            Words::Text(text) => text.split(' ').any(|word| word == scope),
            Words::List(list) => list.iter().any(|word| word == scope),
        }
    }
}

impl Claims {
    /// The role of the highest scope.
    fn role(&self) -> Option<Role> {
        let given = [&self.scope, &self.scp];
        let has = |scope| given.into_iter().flatten().any(|words| words.has(scope));
        let mut highest_first = SCOPES.into_iter().rev();
        highest_first
            .find(|(scope, _)| has(scope))
            .map(|(_, role)| role)
    }

    /// Who it is: a name to read, if there is one, and the subject, which nobody else has.
    fn actor(&self) -> String {
        let subject = subject(&self.sub);
        let named = [
            &self.name,
            &self.preferred_username,
            &self.client_id,
            &self.azp,
        ];
        let name = named
            .into_iter()
            .flatten()
            .map(|name| clean(name, 30).trim().to_owned());
        match name
            .into_iter()
            .find(|name| !name.is_empty() && *name != self.sub)
        {
            Some(name) => format!("{name} (oidc:{subject})"),
            None => format!("oidc:{subject}"),
        }
    }
}

/// A subject as the log names it: one that is long or has odd characters by its hash, so that no two
/// are taken for one.
fn subject(sub: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'(' | b')');
    if sub.len() <= LONGEST_SUBJECT && !sub.starts_with("sha256-") && sub.bytes().all(is_plain) {
        return sub.to_owned();
    }
    let mut text = "sha256-".to_owned();
    for byte in Sha256::digest(sub).iter().take(16) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The scope that the least of some roles needs.
pub fn scope_for(roles: &[String]) -> &'static str {
    let among = |role: Role| roles.iter().any(|named| named == role.word());
    let least = SCOPES.into_iter().find(|(_, role)| among(*role));
    least.map_or("pipeline:admin", |(scope, _)| scope)
}

/// An identity provider.
pub struct Provider {
    trusted: Trusted,
    keys: Arc<Keys>,
}

impl Provider {
    /// A provider whose keys are fetched when they are first needed.
    pub fn new(trusted: Trusted) -> Provider {
        let keys = Arc::new(Keys::new(&trusted.issuer));
        Provider { trusted, keys }
    }

    /// Fetches the keys meanwhile, within a runtime.
    pub fn warm_up(&self) {
        drop(self.keys.refresh());
    }

    /// Whom a token stands for.
    pub async fn caller(&self, token: &str, door: Door) -> Result<Vouched, Wrong> {
        if token.len() > LONGEST {
            return Err(Wrong::Invalid("is too long"));
        }
        let header = decode_header(token).map_err(|_| Wrong::Invalid("is unknown"))?;
        check(&header)?;
        let found = self.keys.find(header.kid.as_deref(), header.alg).await;
        let key = found.map_err(|missing| match missing {
            Missing::Unknown => Wrong::Invalid("is not signed by a key of the provider"),
            Missing::Unavailable => Wrong::Unknown,
        })?;
        let mut validation = Validation::new(header.alg);
        validation.leeway = LEEWAY;
        validation.validate_nbf = true;
        validation.set_issuer(&[&self.trusted.issuer]);
        validation.set_audience(&[&self.trusted.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        let claims = decode::<Claims>(token, &key, &validation)
            .map_err(|error| Wrong::Invalid(reason(error.kind())))?
            .claims;
        if claims.sub.is_empty() {
            return Err(Wrong::Invalid("names no subject"));
        }
        let role = claims.role().ok_or(Wrong::Powerless)?;
        Ok(Vouched {
            caller: Caller::new(&claims.actor(), door).in_role(role),
            term: Term(claims.exp),
        })
    }
}

/// What must be true of a token before any key is looked for.
fn check(header: &Header) -> Result<(), Wrong> {
    if !ALGORITHMS.contains(&header.alg) {
        return Err(Wrong::Invalid("is signed in a way that is not accepted"));
    }
    if header.crit.is_some() {
        return Err(Wrong::Invalid("asks for extensions that are not supported"));
    }
    let kind = header.typ.as_deref().unwrap_or("jwt").to_ascii_lowercase();
    if !KINDS.contains(&kind.as_str()) {
        return Err(Wrong::Invalid("is no access token"));
    }
    Ok(())
}

/// Why a token is not good, in words that hold nothing of it.
fn reason(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::ExpiredSignature => "has expired",
        ErrorKind::ImmatureSignature => "is not in force yet",
        ErrorKind::InvalidIssuer => "is of another issuer",
        ErrorKind::InvalidAudience => "is made out to another audience",
        ErrorKind::MissingRequiredClaim(_) => "lacks one of exp, iss, aud and sub",
        ErrorKind::InvalidSignature => "is not signed by a key of the provider",
        _ => "cannot be read",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(sub: &str, name: Option<&str>) -> Claims {
        Claims {
            sub: sub.to_owned(),
            exp: 0,
            name: name.map(str::to_owned),
            preferred_username: None,
            client_id: Some("agent".to_owned()),
            azp: None,
            scope: None,
            scp: None,
        }
    }

    #[test]
    fn nobody_is_taken_for_somebody_else() {
        assert_eq!(claims("u1", Some("Ann")).actor(), "Ann (oidc:u1)");
        assert_eq!(claims("u1", None).actor(), "agent (oidc:u1)");
        assert_eq!(claims("agent", None).actor(), "oidc:agent");
        let long = "x".repeat(200);
        let actor = claims(&long, Some(&long)).actor();
        assert!(
            actor.contains(" (oidc:sha256-") && actor.ends_with(')'),
            "{actor}"
        );
        assert!(actor.chars().count() < 100, "{actor}");
        let forged = claims("u2", Some("Ann (oidc:u1)")).actor();
        assert!(forged.ends_with(" (oidc:u2)"), "{forged}");
        for odd in ["u1 ", "u\u{200b}1", "u1)", "sha256-00", "é"] {
            assert!(subject(odd).starts_with("sha256-"), "{odd}");
            assert_ne!(subject(odd), odd);
        }
    }

    #[test]
    fn the_highest_scope_counts() {
        let with = |scope: &str, scp: &[&str]| {
            let scp = scp.iter().copied().map(str::to_owned).collect();
            let claims = Claims {
                scope: Some(Words::Text(scope.to_owned())),
                scp: Some(Words::List(scp)),
                ..claims("u1", None)
            };
            claims.role()
        };
        assert_eq!(with("pipeline:read openid", &[]), Some(Role::Viewer));
        assert_eq!(
            with("pipeline:read", &["pipeline:write"]),
            Some(Role::Expansion)
        );
        assert_eq!(with("pipeline:admin pipeline:read", &[]), Some(Role::Admin));
        assert_eq!(with("pipeline:administrator pipeline", &["read"]), None);
        let roles = |names: &[&str]| names.iter().copied().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(
            scope_for(&roles(&["researcher", "expansion", "admin"])),
            "pipeline:write"
        );
        assert_eq!(scope_for(&roles(&["admin"])), "pipeline:admin");
    }

    #[test]
    fn a_provider_is_reached_safely() {
        for url in [
            "https://id.example.com",
            "http://127.0.0.1:9/x",
            "http://[::1]:9",
            "http://localhost",
        ] {
            assert!(is_fit(url, true), "{url}");
        }
        for url in [
            "http://id.example.com",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com",
            "https://user@id.example.com",
            "file:///etc/passwd",
            "id.example.com",
            "",
        ] {
            assert!(!is_fit(url, true), "{url}");
        }
        assert!(!is_fit("http://127.0.0.1:9", false));
    }
}
