//! What the REST API owes its callers: the answers of the tools under the paths of the requirements,
//! changes that are meant for a version, requests that may be repeated, pages, rows, and problems that
//! say what to do. That its answers are those of the other doors is held in `surfaces`.

use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::support::Served;

const REPORT: &str = "/api/reports/expansion-pipeline";
const ALL: &str = "/api/expansion-opportunities";
const ONE: &str = "/api/expansion-opportunities/OPP-1184";

fn demo() -> Served {
    Served::start(&["--demo"], &[])
}

fn ask(served: &Served, method: Method, path: &str) -> RequestBuilder {
    Client::new().request(method, format!("{}{path}", served.url))
}

fn get(served: &Served, path: &str) -> RequestBuilder {
    ask(served, Method::GET, path)
}

async fn sent(request: RequestBuilder) -> Response {
    request.send().await.unwrap()
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers()[name].to_str().unwrap()
}

async fn body(response: Response) -> Value {
    let text = response.text().await.unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The answer of a tool by its name.
async fn tool(served: &Served, name: &str, arguments: Value) -> Value {
    let path = format!("/api/tools/{name}");
    let response = sent(ask(served, Method::POST, &path).json(&arguments)).await;
    assert!(response.status().is_success(), "{name} {arguments}");
    body(response).await
}

/// An answer without the reference to its question, which repeats how it was put.
fn without_reference(mut answer: Value) -> Value {
    answer["basis"]["ref"].take();
    answer
}

async fn is_problem(response: Response, status: StatusCode, code: &str) -> Value {
    assert_eq!(
        header(&response, "content-type"),
        "application/problem+json"
    );
    assert_eq!(response.status(), status);
    let problem = body(response).await;
    assert_eq!(problem["code"], code, "{problem}");
    assert_eq!(problem["status"], status.as_u16());
    assert!(!problem["detail"].as_str().unwrap().is_empty());
    problem
}

#[tokio::test]
async fn the_report_is_the_whole_response_of_the_requirements() {
    let served = demo();
    let report = body(sent(get(&served, REPORT)).await).await;
    for part in [
        "summary",
        "by_stage",
        "opportunities",
        "forecast",
        "metrics",
    ] {
        assert!(!report[part].is_null(), "{part}");
    }
    let include = json!({"include": ["opportunities", "forecast", "metrics"]});
    let asked = tool(&served, "get_pipeline", include).await;
    assert_eq!(without_reference(report), without_reference(asked));
}

#[tokio::test]
async fn a_query_says_what_arguments_say() {
    let served = demo();
    let query = "?stage=proposal&stage[]=negotiation&csm_id=Sarah&period.start=2026-01-01&period.end=2026-03-31&min_value=10000";
    let asked = body(sent(get(&served, &format!("{REPORT}{query}"))).await).await;
    let arguments = json!({
        "stage": ["proposal", "negotiation"], "csm": ["Sarah"], "period": "2026-01-01..2026-03-31",
        "min_value": 10000, "include": ["opportunities", "forecast", "metrics"],
    });
    let expected = tool(&served, "get_pipeline", arguments).await;
    assert_eq!(without_reference(asked), without_reference(expected));

    let path = format!("{REPORT}/analytics?dimension=csm&period=last%20year");
    let analytics = body(sent(get(&served, &path)).await).await;
    let arguments = json!({"dimension": "csm", "period": "last year"});
    let expected = tool(&served, "get_analytics", arguments).await;
    assert_eq!(without_reference(analytics), without_reference(expected));
}

#[tokio::test]
async fn a_change_is_meant_for_a_version() {
    let served = demo();
    let seen = sent(get(&served, ONE)).await;
    let tag = header(&seen, "etag").to_owned();
    let version = body(seen).await["opportunity"]["version"].to_string();
    assert_eq!(tag, format!("\"{version}\""));
    let again = sent(get(&served, ONE).header("If-None-Match", &tag)).await;
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);

    let put = || ask(&served, Method::PUT, ONE).json(&json!({"estimated_value": 61000}));
    let unsaid = sent(put()).await;
    is_problem(
        unsaid,
        StatusCode::PRECONDITION_REQUIRED,
        "precondition_required",
    )
    .await;
    let done = sent(put().header("If-Match", &tag)).await;
    assert_eq!(done.status(), StatusCode::OK);
    let newer = header(&done, "etag").to_owned();
    assert_ne!(newer, tag);
    let stale = sent(put().header("If-Match", &tag)).await;
    is_problem(stale, StatusCode::PRECONDITION_FAILED, "version_changed").await;
    let whichever = ask(&served, Method::PATCH, ONE).json(&json!({"champion_id": "Ada"}));
    let done = sent(whichever.header("If-Match", "*")).await;
    assert_eq!(done.status(), StatusCode::OK);
    let shown = body(sent(get(&served, ONE)).await).await;
    assert_eq!(shown["opportunity"]["estimated_value"], 61000);
}

#[tokio::test]
async fn a_put_that_names_a_stage_moves_and_edits_in_one_change() {
    let served = demo();
    let seen = sent(get(&served, ONE)).await;
    let tag = header(&seen, "etag").to_owned();
    let before = body(seen).await["opportunity"].take();
    assert_eq!(before["stage"], "qualified");
    let put = |tag: &str, change: Value| {
        ask(&served, Method::PUT, ONE)
            .header("If-Match", tag)
            .json(&change)
    };
    // What cannot be edited leaves the move undone too.
    let change = json!({"stage": "proposal", "estimated_value": -5});
    let refused = sent(put(&tag, change)).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let shown = body(sent(get(&served, ONE)).await).await;
    assert_eq!(shown["opportunity"], before);

    let change =
        json!({"stage": "proposal", "estimated_value": 70000, "reason": "they asked for a quote"});
    let done = sent(put(&tag, change)).await;
    assert_eq!(done.status(), StatusCode::OK);
    let mut done = body(done).await;
    let after = done["opportunity"].take();
    // The effect is that of the move and the edit.
    let weighted =
        |effect: &Value| [&effect["before"], &effect["after"]].map(|of| of["weighted"].clone());
    let whole = [&before, &after].map(|opportunity| opportunity["weighted_value"].clone());
    assert_eq!(weighted(&done["effect"]), whole);
    assert_eq!(done["effect"]["after"]["upside"], after["estimated_value"]);
    let away = json!({"stage": "negotiation", "expected_close": "2027-05-31", "dry_run": true});
    let away = body(sent(put("*", away)).await).await;
    let left = [after["weighted_value"].clone(), json!(0)];
    assert_eq!(weighted(&away["effect_left"]), left);
    assert_eq!(
        (&after["stage"], &after["estimated_value"]),
        (&json!("proposal"), &json!(70000))
    );
    for kept in ["name", "expected_close", "customer_id", "type", "csm_name"] {
        assert_eq!(after[kept], before[kept], "{kept}");
    }
    // A move alone is checked against the version as well.
    let stale = sent(put(&tag, json!({"stage": "negotiation"}))).await;
    is_problem(stale, StatusCode::PRECONDITION_FAILED, "version_changed").await;
    let history = body(sent(get(&served, &format!("{ONE}/history"))).await).await;
    let entries = history["history"].as_array().unwrap();
    let by_rest = entries.iter().filter(|entry| entry["through"] == "rest");
    assert!(by_rest.count() >= 1, "{history}");
    assert!(!history["stages"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn a_creation_may_be_repeated_under_its_key() {
    let served = demo();
    let new = json!({
        "customer_id": "Acme Corp", "name": "50 seats", "type": "seat_expansion", "estimated_value": 45000,
        "expected_close": "2026-03-31",
    });
    let post = |new: &Value| {
        ask(&served, Method::POST, ALL)
            .header("Idempotency-Key", "k-1")
            .json(new)
    };
    let first = sent(post(&new)).await;
    assert_eq!(first.status(), StatusCode::CREATED);
    let place = header(&first, "location").to_owned();
    let first = body(first).await;
    let again = body(sent(post(&new)).await).await;
    assert_eq!(first, again);
    let shown = body(sent(get(&served, &place)).await).await;
    assert_eq!(shown["opportunity"]["id"], first["opportunity"]["id"]);
    let mut other = new.clone();
    other["estimated_value"] = json!(46000);
    let other = sent(post(&other)).await;
    is_problem(
        other,
        StatusCode::UNPROCESSABLE_ENTITY,
        "idempotency_conflict",
    )
    .await;
}

#[tokio::test]
async fn any_change_may_be_repeated_under_its_key() {
    let served = demo();
    let post = async |tool: &str, key: &str, arguments: &Value| {
        let request = ask(&served, Method::POST, &format!("/api/tools/{tool}"));
        sent(request.header("Idempotency-Key", key).json(arguments)).await
    };
    let target = |amount: u32| json!({"period": "Q3", "amount": amount});
    let estimate = |value: u32| json!({"opportunity": "OPP-1159", "estimated_value": value});
    let stage =
        |stage: &str| json!({"opportunity": "OPP-1174", "stage": stage, "reason": "told so"});
    for (tool, one, other) in [
        ("set_target", target(700_000), target(710_000)),
        ("update_opportunity", estimate(86_000), estimate(87_000)),
        ("update_stage", stage("proposal"), stage("negotiation")),
    ] {
        let (first, second) = (format!("{tool} 1"), format!("{tool} 2"));
        let made = body(post(tool, &first, &one).await).await;
        assert_eq!(made["changed"], true, "{made}");
        let log = |answer: &Value| answer["position"].as_u64().unwrap();
        let then = body(post(tool, &second, &other).await).await;
        assert!(log(&then) > log(&made), "{then}");
        // The first comes again, and does not change the second back.
        let again = body(post(tool, &first, &one).await).await;
        assert_eq!(again, made);
        let conflict = post(tool, &first, &other).await;
        is_problem(
            conflict,
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency_conflict",
        )
        .await;
        let undone = json!({"change": log(&then), "reason": "not so"});
        let undo = body(post("undo_change", &format!("{tool} u"), &undone).await).await;
        assert_eq!(
            body(post("undo_change", &format!("{tool} u"), &undone).await).await,
            undo
        );
    }
    let put = ask(&served, Method::PATCH, ONE)
        .header("If-Match", "*")
        .header("Idempotency-Key", "k")
        .json(&json!({"estimated_value": 88_000}));
    is_problem(
        sent(put).await,
        StatusCode::BAD_REQUEST,
        "malformed_request",
    )
    .await;
}

#[tokio::test]
async fn rows_have_all_their_columns() {
    let served = demo();
    let rows = async |query: &str| {
        let request = get(&served, &format!("{ALL}?limit=3{query}")).header("Accept", "text/csv");
        sent(request).await.text().await.unwrap()
    };
    let plain = rows("").await;
    assert_eq!(plain, rows("&include=details").await);
    let mut read = csv::Reader::from_reader(plain.as_bytes());
    let heads = read.headers().unwrap().clone();
    let source = heads.iter().position(|head| head == "source").unwrap();
    assert!(
        read.records().all(|row| !row.unwrap()[source].is_empty()),
        "{plain}"
    );
    assert!(
        rows("&by=customer")
            .await
            .starts_with("csm_name,customer_id,")
    );
}

#[tokio::test]
async fn a_tag_that_a_proxy_made_weak_is_as_good() {
    let served = demo();
    let seen = sent(get(&served, ONE)).await;
    let weak = format!("W/{}", header(&seen, "etag"));
    let again = sent(get(&served, ONE).header("If-None-Match", &weak)).await;
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    let edit = || ask(&served, Method::PATCH, ONE).header("If-Match", &weak);
    let edit = || edit().json(&json!({"estimated_value": 70_000}));
    assert_eq!(sent(edit()).await.status(), StatusCode::OK);
    assert_eq!(sent(edit()).await.status(), StatusCode::PRECONDITION_FAILED);
}

#[tokio::test]
async fn a_list_has_pages_and_rows() {
    let served = demo();
    let mut path = format!("{ALL}?stage=open&limit=7");
    let (mut ids, mut pages) = (Vec::new(), 0);
    let total = loop {
        let page = sent(get(&served, &path)).await;
        assert_eq!(page.status(), StatusCode::OK);
        let link = page
            .headers()
            .get("link")
            .map(|link| link.to_str().unwrap().to_owned());
        let page = body(page).await;
        let shown = page["opportunities"].as_array().unwrap();
        ids.extend(
            shown
                .iter()
                .map(|one| one["id"].as_str().unwrap().to_owned()),
        );
        pages += 1;
        let Some(link) = link else {
            break page["total"].as_u64().unwrap();
        };
        let next = link
            .strip_prefix('<')
            .and_then(|link| link.strip_suffix(">; rel=\"next\""));
        path = next.unwrap().to_owned();
    };
    assert!(pages > 1);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len() as u64, total);

    let rows =
        sent(get(&served, &format!("{ALL}?stage=open&limit=7")).header("Accept", "text/csv")).await;
    assert!(header(&rows, "content-type").starts_with("text/csv"));
    let rows = rows.text().await.unwrap();
    assert_eq!(rows.lines().count(), 8, "{rows}");
    assert!(rows.lines().next().unwrap().contains("estimated_value"));
    // Pages fit together, and what is empty still says what it would hold.
    let head = |rows: &str| rows.lines().next().unwrap().to_owned();
    for query in [
        "stage=won&limit=3",
        "stage=lost&limit=3",
        "customer=Acme&stage=lost&closed=2026",
    ] {
        let other = get(&served, &format!("{ALL}?{query}")).header("Accept", "text/csv");
        assert_eq!(head(&sent(other).await.text().await.unwrap()), head(&rows));
    }
    let by = get(&served, &format!("{ALL}?by=customer")).header("Accept", "text/csv");
    let by = sent(by).await.text().await.unwrap();
    assert!(
        by.lines().count() > 10 && head(&by).contains("open.weighted"),
        "{by}"
    );
    let none = sent(get(&served, ONE).header("Accept", "text/csv")).await;
    is_problem(none, StatusCode::NOT_ACCEPTABLE, "not_acceptable").await;
}

#[tokio::test]
async fn what_is_wrong_is_a_problem_that_says_what_to_do() {
    let served = demo();
    let misspelt = sent(get(&served, &format!("{ALL}?stage=propsal"))).await;
    let problem = is_problem(misspelt, StatusCode::UNPROCESSABLE_ENTITY, "unknown_value").await;
    assert!(
        problem["candidates"]
            .as_array()
            .unwrap()
            .contains(&json!("proposal"))
    );
    let unknown = sent(get(&served, &format!("{ALL}/OPP-0"))).await;
    is_problem(unknown, StatusCode::NOT_FOUND, "unknown_name").await;
    let nowhere = sent(get(&served, "/api/expansion-opportunity")).await;
    is_problem(nowhere, StatusCode::NOT_FOUND, "no_such_path").await;
    let deleted = sent(ask(&served, Method::DELETE, ONE)).await;
    assert!(header(&deleted, "allow").contains("PUT"));
    is_problem(deleted, StatusCode::METHOD_NOT_ALLOWED, "no_such_method").await;
    let half = sent(get(&served, &format!("{REPORT}?period.start=2026-01-01"))).await;
    is_problem(half, StatusCode::UNPROCESSABLE_ENTITY, "invalid_argument").await;
    for (kind, text, status, code) in [
        (
            "application/json",
            "{",
            StatusCode::BAD_REQUEST,
            "malformed_request",
        ),
        (
            "application/json",
            "[]",
            StatusCode::BAD_REQUEST,
            "malformed_request",
        ),
        (
            "text/plain",
            "{}",
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
        ),
        (
            "application/json",
            "{\"nme\": 1}",
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid_argument",
        ),
    ] {
        let post = ask(&served, Method::POST, ALL)
            .header("Content-Type", kind)
            .body(text);
        is_problem(sent(post).await, status, code).await;
    }
    let tool = sent(ask(&served, Method::POST, "/api/tools/get_forcast").json(&json!({}))).await;
    is_problem(tool, StatusCode::NOT_FOUND, "unknown_tool").await;
    let large = ask(&served, Method::POST, ALL).json(&json!({"name": "x".repeat(2_000_000)}));
    is_problem(
        sent(large).await,
        StatusCode::PAYLOAD_TOO_LARGE,
        "too_large",
    )
    .await;
}

#[tokio::test]
async fn the_document_names_every_path_and_refers_to_what_there_is() {
    let served = demo();
    let document = body(sent(get(&served, "/api/openapi.json")).await).await;
    assert_eq!(document["openapi"], "3.1.0");
    for tool in expansion_pipeline::registry::tools() {
        let path = format!("/api/tools/{}", tool.name);
        assert!(document["paths"][path]["post"].is_object(), "{}", tool.name);
    }
    for (path, methods) in [
        (REPORT, &["get"][..]),
        (
            "/api/expansion-opportunities/{id}",
            &["get", "put", "patch"],
        ),
        ("/api/expansion-opportunities/{id}/history", &["get"]),
        (ALL, &["get", "post"]),
    ] {
        for method in methods {
            assert!(
                document["paths"][path][*method].is_object(),
                "{method} {path}"
            );
        }
    }
    let mut waiting = vec![&document];
    while let Some(value) = waiting.pop() {
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            let place = reference.strip_prefix('#').unwrap();
            assert!(
                document.pointer(place).is_some(),
                "{reference} is not there"
            );
        }
        waiting.extend(
            value
                .as_object()
                .into_iter()
                .flat_map(|parts| parts.values()),
        );
        waiting.extend(value.as_array().into_iter().flatten());
    }
    let page = sent(get(&served, "/api/docs/")).await;
    assert_eq!(page.status(), StatusCode::OK);
    let page = page.text().await.unwrap();
    assert!(
        !page.contains("https://"),
        "the page asks elsewhere: {page}"
    );
}

#[tokio::test]
async fn what_the_document_shows_as_an_example_is_answered_and_changes_nothing() {
    let served = demo();
    let document = body(sent(get(&served, "/api/openapi.json")).await).await;
    let before = tool(&served, "get_pipeline", json!({})).await;
    let mut asked = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let example = &operation["requestBody"]["content"]["application/json"]["example"];
            if example.is_null() {
                continue;
            }
            let method: Method = method.to_uppercase().parse().unwrap();
            let mut request = ask(&served, method, &path.replace("{id}", "OPP-1184"));
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                if parameter["in"] == "header" && parameter["required"] == true {
                    let value = parameter["example"].as_str().unwrap();
                    request = request.header(parameter["name"].as_str().unwrap(), value);
                }
            }
            let response = sent(request.json(example)).await;
            let status = response.status();
            let answer = response.text().await.unwrap();
            assert_eq!(status, StatusCode::OK, "{path}: {answer}");
            asked += 1;
        }
    }
    assert_eq!(asked, 14);
    let after = tool(&served, "get_pipeline", json!({})).await;
    assert_eq!(before, after);
}

#[tokio::test]
async fn the_document_says_which_statuses_and_headers_there_are() {
    let served = demo();
    let document = body(sent(get(&served, "/api/openapi.json")).await).await;
    let one = &document["paths"]["/api/expansion-opportunities/{id}"];
    let statuses = |operation: &Value| -> Vec<String> {
        operation["responses"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect()
    };
    for status in ["200", "412", "415", "428"] {
        assert!(
            statuses(&one["put"]).contains(&status.to_owned()),
            "{status}"
        );
    }
    assert!(statuses(&one["get"]).contains(&"304".to_owned()));
    assert!(!statuses(&one["get"]).contains(&"412".to_owned()));
    assert_eq!(
        one["get"]["responses"]["200"]["headers"]["ETag"]["required"],
        true
    );
    let changed = document["components"]["responses"]["412"]["description"]
        .as_str()
        .unwrap();
    assert!(changed.starts_with("`version_changed`"), "{changed}");
    // A move alone is answered by another tool than an edit.
    let answers = &one["put"]["responses"]["200"]["content"]["application/json"]["schema"]["anyOf"];
    assert_eq!(answers.as_array().unwrap().len(), 2);
    // Whoever must bring a token reads so.
    assert_eq!(document["security"], json!([{}, {"token": []}]));
    // What needs no argument needs no body.
    let forecast = &document["paths"]["/api/tools/get_forecast"]["post"]["requestBody"];
    assert_eq!(forecast["required"], false);
    let posted = ask(&served, Method::POST, "/api/tools/get_forecast");
    assert_eq!(sent(posted).await.status(), StatusCode::OK);
}
