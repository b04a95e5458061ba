//! What the program owes as a resource server of an identity provider: which tokens let in and as whom,
//! keys that change, a provider that does not answer, and what clients are told. The provider is one of
//! the test's own, with keys made in the test; `.ci/run` holds the program against a certified one.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::StatusCode as Status;
use axum::routing::get;
use axum::{Json, Router};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};

use crate::http::{Database, body, call, in_session, listen, open};
use crate::support::{Served, program};

const AUDIENCE: &str = "https://pipeline.example.com/mcp";
const PUBLIC: &str = "https://pipeline.example.com";

/// A key that signs.
struct Key {
    id: String,
    algorithm: Algorithm,
    private: EncodingKey,
}

impl Key {
    fn new(id: &str, algorithm: Algorithm) -> Key {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).unwrap();
        // PKCS #8 around the bare secret of an Ed25519 or P-256 key.
        let private = match algorithm {
            Algorithm::EdDSA => {
                let head = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
                EncodingKey::from_ed_der(&[&head[..], &secret].concat())
            }
            _ => {
                let head = b"\x30\x41\x02\x01\x00\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\
                             \xce\x3d\x03\x01\x07\x04\x27\x30\x25\x02\x01\x01\x04\x20";
                EncodingKey::from_ec_der(&[&head[..], &secret].concat())
            }
        };
        Key {
            id: id.to_owned(),
            algorithm,
            private,
        }
    }

    fn public(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.private, self.algorithm).unwrap();
        jwk.common.key_id = Some(self.id.clone());
        serde_json::to_value(jwk).unwrap()
    }

    fn header(&self) -> Header {
        let mut header = Header::new(self.algorithm);
        header.kid = Some(self.id.clone());
        header
    }

    fn sign(&self, claims: &Value) -> String {
        encode(&self.header(), claims, &self.private).unwrap()
    }
}

/// What a provider publishes, and how often its keys were fetched.
struct Published {
    issuer: String,
    keys: Vec<Value>,
    answers: bool,
    fetched: usize,
}

/// A provider on this machine.
struct Provider {
    issuer: String,
    published: Arc<Mutex<Published>>,
}

impl Provider {
    async fn start(keys: &[&Key]) -> Provider {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let published = Arc::new(Mutex::new(Published {
            issuer: issuer.clone(),
            keys: keys.iter().map(|key| key.public()).collect(),
            answers: true,
            fetched: 0,
        }));
        let (described, listed) = (Arc::clone(&published), Arc::clone(&published));
        let at = issuer.clone();
        let description = move || async move {
            let published = described.lock().unwrap();
            Json(json!({"issuer": published.issuer, "jwks_uri": format!("{at}/jwks")}))
        };
        let keys = move || async move {
            let mut published = listed.lock().unwrap();
            published.fetched += 1;
            let status = if published.answers { 200 } else { 500 };
            let keys = Json(json!({"keys": published.keys}));
            (Status::from_u16(status).unwrap(), keys)
        };
        // Where RFC 8414 has it: the other place is asked first and answers 404.
        let app = Router::new()
            .route("/.well-known/oauth-authorization-server", get(description))
            .route("/jwks", get(keys));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Provider { issuer, published }
    }

    fn change(&self, change: impl FnOnce(&mut Published)) {
        change(&mut self.published.lock().unwrap());
    }

    fn fetched(&self) -> usize {
        self.published.lock().unwrap().fetched
    }

    fn options(&self) -> [&str; 6] {
        [
            "--oidc-issuer",
            &self.issuer,
            "--oidc-audience",
            AUDIENCE,
            "--public-url",
            PUBLIC,
        ]
    }

    fn serve(&self) -> Served {
        Served::start(&["--demo", "--today", "2026-01-29"], &self.options())
    }

    fn claims(&self, sub: &str, scope: &str) -> Value {
        json!({
            "iss": self.issuer, "aud": AUDIENCE, "sub": sub, "scope": scope, "exp": from_now(300),
            "nbf": from_now(-5), "name": format!("Name of {sub}"),
        })
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "an issuer says when its tokens end"
)]
fn from_now(seconds: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_secs()).unwrap() + seconds
}

async fn ask(served: &Served, tool: &str, token: &str, arguments: Value) -> Response {
    let request = Client::new().post(format!("{}/api/tools/{tool}", served.url));
    let request = request.bearer_auth(token).json(&arguments);
    request.send().await.unwrap()
}

async fn forecast(served: &Served, token: &str) -> Response {
    ask(served, "get_forecast", token, json!({})).await
}

fn challenge(response: &Response) -> String {
    let challenge = response.headers()["www-authenticate"].to_str().unwrap();
    challenge.to_owned()
}

/// Later than the program waits between two looks at the keys.
async fn later() {
    tokio::time::sleep(Duration::from_millis(5_300)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_must_be_good_in_every_respect() {
    let keys = [
        Key::new("ed", Algorithm::EdDSA),
        Key::new("ec", Algorithm::ES256),
    ];
    let [ed, ec] = &keys;
    let provider = Provider::start(&[ed, ec]).await;
    let served = provider.serve();
    let good = provider.claims("u1", "pipeline:read");
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };
    let without = |name: &str| {
        let mut claims = good.clone();
        claims.as_object_mut().unwrap().remove(name);
        claims
    };
    let several = with("aud", json!(["https://other.example.com", AUDIENCE]));
    let just_over = with("exp", json!(from_now(-5)));
    for token in [
        ed.sign(&good),
        ec.sign(&good),
        ec.sign(&several),
        ed.sign(&just_over),
    ] {
        assert_eq!(forecast(&served, &token).await.status(), StatusCode::OK);
    }

    let other = Key::new("ed", Algorithm::EdDSA);
    let unsigned = |claims: &Value| {
        let token = ed.sign(claims);
        let claims = token.split('.').nth(1).unwrap().to_owned();
        // {"alg":"none","kid":"ed"}
        format!("eyJhbGciOiJub25lIiwia2lkIjoiZWQifQ.{claims}.")
    };
    // The public half, which everybody has, taken for a secret.
    let confused = |key: &Key, secret: &str| {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(key.id.clone());
        encode(&header, &good, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
    };
    let public = ed.public()["x"].as_str().unwrap().to_owned();
    let headed = |change: fn(&mut Header)| {
        let mut header = ed.header();
        change(&mut header);
        encode(&header, &good, &ed.private).unwrap()
    };
    let mut tampered = ed.sign(&good);
    let middle = tampered.find('.').unwrap() + 10;
    let letter = if tampered.as_bytes()[middle] == b'A' {
        "B"
    } else {
        "A"
    };
    tampered.replace_range(middle..=middle, letter);
    let bad = [
        (
            "another audience",
            ed.sign(&with("aud", json!("https://other.example.com"))),
        ),
        ("another audience", ed.sign(&with("aud", json!([])))),
        (
            "another audience",
            ed.sign(&with("aud", json!(format!("{AUDIENCE}/")))),
        ),
        (
            "another issuer",
            ed.sign(&with("iss", json!("https://evil.example.com"))),
        ),
        ("expired", ed.sign(&with("exp", json!(from_now(-60))))),
        ("not in force", ed.sign(&with("nbf", json!(from_now(60))))),
        ("lacks", ed.sign(&without("exp"))),
        ("lacks", ed.sign(&without("aud"))),
        ("lacks", ed.sign(&without("iss"))),
        ("cannot be read", ed.sign(&without("sub"))),
        ("no subject", ed.sign(&with("sub", json!("")))),
        ("unknown", unsigned(&good)),
        ("is not accepted", confused(ed, &public)),
        ("is not accepted", confused(ec, &ec.public().to_string())),
        ("not signed by", other.sign(&good)),
        ("not signed by", tampered),
        (
            "not signed by",
            Key::new("nobody's", Algorithm::EdDSA).sign(&good),
        ),
        (
            "not signed by",
            headed(|header| header.kid = Some("ec".to_owned())),
        ),
        (
            "no access token",
            headed(|header| header.typ = Some("logout+jwt".to_owned())),
        ),
        (
            "extensions",
            headed(|header| header.crit = Some(vec!["b64".to_owned()])),
        ),
        ("unknown", "x.y.z".to_owned()),
        ("unknown, expired or revoked", "expl_nothing".to_owned()),
        ("too long", format!("{}.x.y", "x".repeat(17_000))),
    ];
    for (why, token) in &bad {
        let response = forecast(&served, token).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{why}");
        let challenge = challenge(&response);
        assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
        let text = response.text().await.unwrap();
        assert!(text.contains(why), "{why}: {text}");
        assert!(!text.contains(token.as_str()), "{text}");
    }
    let said = served.said.lock().unwrap().clone();
    for (_, token) in &bad {
        assert!(!said.contains(token.as_str()), "a token is in the log");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_change_while_it_runs() {
    let keys = ["old", "new"].map(|id| Key::new(id, Algorithm::EdDSA));
    let [old, new] = &keys;
    let provider = Provider::start(&[old]).await;
    let served = provider.serve();
    let claims = provider.claims("u1", "pipeline:read");
    let (before, after) = (old.sign(&claims), new.sign(&claims));
    assert_eq!(forecast(&served, &before).await.status(), StatusCode::OK);

    // Whoever makes up keys does not have them fetched each time.
    let fetched = provider.fetched();
    later().await;
    for id in 0..20 {
        let made_up = Key::new(&format!("made-up-{id}"), Algorithm::EdDSA).sign(&claims);
        let status = forecast(&served, &made_up).await.status();
        assert_eq!(status, StatusCode::UNAUTHORIZED);
    }
    let more = provider.fetched() - fetched;
    assert!((1..=2).contains(&more), "fetched {more} times");

    provider.change(|published| published.keys = vec![new.public()]);
    later().await;
    assert_eq!(forecast(&served, &after).await.status(), StatusCode::OK);
    let withdrawn = forecast(&served, &before).await;
    assert_eq!(withdrawn.status(), StatusCode::UNAUTHORIZED);

    // What is known stays when the provider fails; what is not known cannot be told.
    provider.change(|published| published.answers = false);
    later().await;
    let unknown = forecast(&served, &before).await;
    assert_eq!(unknown.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(unknown.headers()["retry-after"], "5");
    assert_eq!(forecast(&served, &after).await.status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_keys_nobody_is_believed_and_our_own_tokens_are() {
    let key = Key::new("k", Algorithm::ES256);
    let provider = Provider::start(&[&key]).await;
    provider.change(|published| published.issuer = "https://evil.example.com".to_owned());
    let database = Database::new();
    let ours = database.token("Vera", "viewer");
    let served = database.serve(&provider.options());
    let token = key.sign(&provider.claims("u1", "pipeline:admin"));
    let unknown = forecast(&served, &token).await;
    assert_eq!(unknown.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(body(unknown).await["code"], "provider_unavailable");
    assert_eq!(forecast(&served, &ours).await.status(), StatusCode::OK);
    assert_eq!(
        provider.fetched(),
        0,
        "the keys of somebody else were fetched"
    );

    let issuer = provider.issuer.clone();
    provider.change(|published| published.issuer = issuer);
    later().await;
    assert_eq!(forecast(&served, &token).await.status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scopes_are_roles_and_a_refusal_names_the_scope() {
    let key = Key::new("k", Algorithm::ES256);
    let provider = Provider::start(&[&key]).await;
    let database = Database::new();
    let served = database.serve(&provider.options());
    let token = |scope: &str| key.sign(&provider.claims("u-17", scope));
    let (reads, writes) = (
        token("openid pipeline:read"),
        token("pipeline:read pipeline:write"),
    );

    let nothing = forecast(&served, &token("openid")).await;
    assert_eq!(nothing.status(), StatusCode::FORBIDDEN);
    let said = challenge(&nothing);
    assert!(said.contains("error=\"insufficient_scope\""), "{said}");
    assert!(said.contains("scope=\"pipeline:read\""), "{said}");

    let change = json!({"opportunity": "OPP-1184", "use_case": "Reporting"});
    let target = json!({"period": "Q1 2026", "amount": "2M"});
    for (tool, arguments, token, scope) in [
        ("update_opportunity", &change, &reads, "pipeline:write"),
        ("set_target", &target, &writes, "pipeline:admin"),
    ] {
        let refused = ask(&served, tool, token, arguments.clone()).await;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{tool}");
        let said = challenge(&refused);
        assert!(said.contains("error=\"insufficient_scope\""), "{said}");
        assert!(said.contains(&format!("scope=\"{scope}\"")), "{said}");
        assert_eq!(body(refused).await["code"], "forbidden_by_role");
    }
    // Whoever has a token of our own cannot ask the provider for more.
    let ours = database.token("Vera", "viewer");
    let refused = ask(&served, "update_opportunity", &ours, change.clone()).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert!(!refused.headers().contains_key("www-authenticate"));
    // Over MCP a refusal is the answer of the tool.
    let over_mcp = call(&served, "update_opportunity", change.clone()).bearer_auth(&reads);
    let over_mcp = over_mcp.send().await.unwrap();
    assert_eq!(over_mcp.status(), StatusCode::OK);
    assert_eq!(body(over_mcp).await["result"]["isError"], true);

    let done = ask(&served, "update_opportunity", &writes, change).await;
    assert_eq!(done.status(), StatusCode::OK);
    let log = database.printed(&["log", "--json"]);
    let last: Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
    assert_eq!(last["actor"], "Name of u-17 (oidc:u-17)");
    assert_eq!(last["role"], "expansion");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_nobody_elses() {
    let key = Key::new("k", Algorithm::EdDSA);
    let provider = Provider::start(&[&key]).await;
    let served = provider.serve();
    let named_alike = |sub: &str, minutes: i64| {
        let mut claims = provider.claims(sub, "pipeline:read");
        claims["name"] = json!("Ann");
        claims["exp"] = json!(from_now(60 * minutes));
        key.sign(&claims)
    };
    let session = open(&served, &named_alike("u1", 5)).await;
    let thief = in_session(&served, &session, &named_alike("u2", 5)).await;
    assert_eq!(thief, StatusCode::NOT_FOUND);
    let renewed = in_session(&served, &session, &named_alike("u1", 10)).await;
    assert_eq!(renewed, StatusCode::ACCEPTED);
}

/// A token is taken for 30 seconds longer than it says, for clocks that differ, and so is what it opened.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_ends_with_the_token_of_the_provider() {
    let key = Key::new("k", Algorithm::EdDSA);
    let provider = Provider::start(&[&key]).await;
    let served = provider.serve();
    let ending_in = |seconds: i64| {
        let mut claims = provider.claims("u1", "pipeline:read");
        claims["exp"] = json!(from_now(seconds));
        key.sign(&claims)
    };
    for older in [true, false] {
        // A number of seconds may have a fraction.
        let mut claims = provider.claims("u1", "pipeline:read");
        claims["exp"] = serde_json::from_str(&format!("{}.5", from_now(60))).unwrap();
        let mut long = listen(&served, older, &key.sign(&claims)).await;
        assert_eq!(long.status(), StatusCode::OK);
        let mut short = listen(&served, older, &ending_in(-26)).await;
        let first = tokio::time::timeout(Duration::from_secs(2), short.chunk()).await;
        assert!(!matches!(first, Ok(Ok(None))), "older {older}: at once");
        let end = async { while let Ok(Some(_)) = short.chunk().await {} };
        let ended = tokio::time::timeout(Duration::from_secs(12), end).await;
        assert!(ended.is_ok(), "older {older}: it outlives its token");
        let end = async { while let Ok(Some(_)) = long.chunk().await {} };
        let ended = tokio::time::timeout(Duration::from_millis(700), end).await;
        assert!(ended.is_err(), "older {older}: a good token ends");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_are_told_whom_to_ask() {
    let key = Key::new("k", Algorithm::EdDSA);
    let provider = Provider::start(&[&key]).await;
    let served = provider.serve();
    for path in ["", "/mcp"] {
        let url = format!("{}/.well-known/oauth-protected-resource{path}", served.url);
        let metadata = Client::new().get(url).send().await.unwrap();
        assert_eq!(metadata.status(), StatusCode::OK);
        let metadata = body(metadata).await;
        assert_eq!(metadata["resource"], AUDIENCE);
        assert_eq!(metadata["authorization_servers"], json!([provider.issuer]));
        assert_eq!(
            metadata["scopes_supported"],
            json!(["pipeline:read", "pipeline:write", "pipeline:admin"])
        );
    }
    let turned_away = call(&served, "get_forecast", json!({}))
        .send()
        .await
        .unwrap();
    assert_eq!(turned_away.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(
        challenge(&turned_away),
        format!(
            "Bearer resource_metadata=\"{PUBLIC}/.well-known/oauth-protected-resource/mcp\", scope=\"pipeline:read\""
        )
    );
    let token = key.sign(&provider.claims("u1", "pipeline:read"));
    for path in ["/mcp", "/api/reports/expansion-pipeline"] {
        let in_url = format!("{}{path}?access_token={token}", served.url);
        let refused = Client::new()
            .get(in_url)
            .bearer_auth(&token)
            .send()
            .await
            .unwrap();
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "{path}");
        let text = refused.text().await.unwrap();
        assert!(
            text.contains("token_in_url") && !text.contains(&token),
            "{text}"
        );
    }
}

#[test]
fn a_provider_that_is_not_safe_is_refused_at_the_start() {
    let refused = |options: &[&str]| {
        let mut command = program();
        let refused = command
            .args(["--demo", "serve", "--http", "127.0.0.1:0"])
            .args(options)
            .output()
            .unwrap();
        assert!(!refused.status.success());
        String::from_utf8(refused.stderr).unwrap()
    };
    let plain = [
        "--oidc-issuer",
        "http://id.example.com",
        "--oidc-audience",
        AUDIENCE,
    ];
    assert!(refused(&plain).contains("https://"));
    let no_uri = [
        "--oidc-issuer",
        "https://id.example.com",
        "--oidc-audience",
        "pipeline",
    ];
    assert!(refused(&no_uri).contains("is no URI"));
    let alone = ["--oidc-issuer", "https://id.example.com"];
    assert!(refused(&alone).contains("--oidc-audience"));
}
