//! What a change still wants is asked of a person, in both revisions of the protocol, over stdio and
//! over HTTP; what the person turns down is not done, and a state that is not this call's is refused.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use expansion_pipeline::engine::Role;
use expansion_pipeline::surfaces::mcp::Server;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ClientCapabilities, ClientConfig,
    ElicitRequestParams, ElicitResult, ElicitationAction, Implementation, InputRequiredResult,
    ProtocolVersion,
};
use rmcp::service::{RequestContext, RoleClient, RunningService, ServiceError};
use rmcp::transport::{StreamableHttpClientTransport, TokioChildProcess};
use rmcp::{ClientHandler, ClientLifecycleMode, ClientServiceExt as _, ErrorData, ServiceExt as _};
use serde_json::{Value, json};

use crate::support::{self, Portfolio, Served, TODAY, program};

/// What a person says to each question, in turn, and what they were asked.
#[derive(Clone, Default)]
struct Person {
    says: Arc<Mutex<VecDeque<ElicitResult>>>,
    heard: Arc<Mutex<Vec<Value>>>,
    is_there: bool,
    /// Whether they never answer.
    thinks: bool,
}

impl Person {
    fn who_says(answers: impl IntoIterator<Item = ElicitResult>) -> Person {
        Person {
            says: Arc::new(Mutex::new(answers.into_iter().collect())),
            is_there: true,
            ..Person::default()
        }
    }

    fn questions(&self) -> Vec<Value> {
        self.heard.lock().unwrap().clone()
    }
}

impl ClientHandler for Person {
    fn get_info(&self) -> ClientConfig {
        let capabilities = if self.is_there {
            ClientCapabilities::builder().enable_elicitation().build()
        } else {
            ClientCapabilities::default()
        };
        ClientConfig::new(capabilities, Implementation::new("person", "1"))
    }

    async fn create_elicitation(
        &self,
        request: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        self.heard
            .lock()
            .unwrap()
            .push(serde_json::to_value(&request).unwrap());
        if self.thinks {
            std::future::pending::<()>().await;
        }
        let says = self.says.lock().unwrap().pop_front();
        says.ok_or_else(|| ErrorData::internal_error("asked once too often", None))
    }
}

type Connected = RunningService<RoleClient, Person>;

fn yes(content: Value) -> ElicitResult {
    ElicitResult::new(ElicitationAction::Accept).with_content(content)
}

fn no(action: ElicitationAction) -> ElicitResult {
    ElicitResult::new(action)
}

fn old() -> ClientLifecycleMode {
    ClientLifecycleMode::Initialize
}

fn new() -> ClientLifecycleMode {
    ClientLifecycleMode::Discover {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
    }
}

async fn over_stdio(
    portfolio: &Portfolio,
    person: Person,
    lifecycle: ClientLifecycleMode,
) -> Connected {
    let mut command = tokio::process::Command::from(program());
    let database = portfolio.database();
    let database = database.to_str().unwrap();
    command.args(["--db", database, "--today", TODAY, "serve"]);
    let child = TokioChildProcess::new(command).unwrap();
    person.serve_with_lifecycle(child, lifecycle).await.unwrap()
}

async fn over_http(served: &Served, person: Person, lifecycle: ClientLifecycleMode) -> Connected {
    let transport = StreamableHttpClientTransport::from_uri(format!("{}/mcp", served.url));
    person
        .serve_with_lifecycle(transport, lifecycle)
        .await
        .unwrap()
}

/// A server within this process, for a caller and with a patience of the test's choosing.
async fn within(
    portfolio: &Portfolio,
    actor: &str,
    role: Role,
    patience: Duration,
) -> RunningService<RoleClient, Person> {
    let engine = Arc::new(support::engine(&portfolio.database(), TODAY));
    let server = Server::new(engine, Some(actor.to_owned()), role).with_patience(patience);
    connected(server, Person::who_says([]), new()).await
}

/// A client of a server in this process.
async fn connected(server: Server, person: Person, lifecycle: ClientLifecycleMode) -> Connected {
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    tokio::spawn(async move {
        let running = server.serve(ours).await.unwrap();
        running.waiting().await.unwrap();
    });
    let client = person.serve_with_lifecycle(theirs, lifecycle).await;
    client.unwrap()
}

fn call_of(tool: &'static str, arguments: &Value) -> CallToolRequestParams {
    CallToolRequestParams::new(tool).with_arguments(arguments.as_object().unwrap().clone())
}

async fn call(client: &Connected, tool: &'static str, arguments: &Value) -> CallToolResult {
    client.call_tool(call_of(tool, arguments)).await.unwrap()
}

fn words(result: &CallToolResult) -> String {
    let text = result.content.first().and_then(|it| it.as_text());
    text.unwrap().text.clone()
}

/// The end of the log: what was written moves it.
fn end(portfolio: &Portfolio) -> u32 {
    portfolio.portfolio().unwrap().position()
}

fn won() -> Value {
    json!({"opportunity": "M-2", "stage": "closed_won"})
}

fn lost() -> Value {
    json!({"opportunity": "M-2", "stage": "closed_lost"})
}

/// A close date in the past.
fn late() -> Value {
    json!({"opportunity": "M-2", "expected_close": "2025-12-01"})
}

/// Every kind of question is asked, and what the person says is what is written.
async fn is_asked(portfolio: &Portfolio, client: &Connected, person: &Person) {
    let before = end(portfolio);
    let late = call(client, "update_opportunity", &late()).await;
    assert_eq!(late.structured_content.unwrap()["changed"], true);
    let won = call(client, "update_stage", &won()).await;
    let after = won.structured_content.unwrap()["after"].clone();
    assert_eq!(
        (&after["stage"], &after["closed_value"]),
        (&json!("closed_won"), &json!(11000))
    );
    let arguments = json!({"opportunity": "M-1", "stage": "closed_lost"});
    let lost = call(client, "update_stage", &arguments).await;
    let after = lost.structured_content.unwrap()["after"].clone();
    assert_eq!(after["lost_reason"], "budget");
    assert!(end(portfolio) > before);
    let questions = person.questions();
    assert_eq!(questions.len(), 3, "{questions:#?}");
    let question = |place: usize| questions[place]["message"].as_str().unwrap();
    assert!(question(0).contains("2025-12-01"), "{}", question(0));
    assert!(question(1).contains("$10,000"), "{}", question(1));
    assert!(question(2).contains("lost"), "{}", question(2));
    let choices = &questions[2]["requestedSchema"]["properties"]["lost_reason"]["enum"];
    assert!(choices.as_array().unwrap().contains(&json!("budget")));
}

fn willing() -> Person {
    Person::who_says([
        yes(json!({"confirm": true})),
        yes(json!({"closed_value": "11k"})),
        yes(json!({"lost_reason": "budget"})),
    ])
}

/// What a person turns down is not done, and the caller is told.
async fn turns_down(portfolio: &Portfolio, client: &Connected) {
    let before = end(portfolio);
    for (arguments, tool, word) in [
        (won(), "update_stage", "declined"),
        (lost(), "update_stage", "cancelled"),
        (late(), "update_opportunity", "declined"),
    ] {
        let result = call(client, tool, &arguments).await;
        assert_eq!(result.is_error, Some(true));
        assert!(words(&result).contains("Nothing was written"));
        let meta = result.meta.unwrap();
        assert_eq!(
            meta.get("expansion-pipeline/elicitation"),
            Some(&json!(word))
        );
    }
    assert_eq!(end(portfolio), before);
}

fn unwilling() -> Person {
    Person::who_says([
        no(ElicitationAction::Decline),
        no(ElicitationAction::Cancel),
        yes(json!({"confirm": false})),
    ])
}

/// Who cannot have a person asked is told which argument to add.
async fn is_told(portfolio: &Portfolio, client: &Connected) {
    let before = end(portfolio);
    for (arguments, tool, code, argument) in [
        (
            won(),
            "update_stage",
            "closed_value_required",
            "closed_value",
        ),
        (
            lost(),
            "update_stage",
            "lost_reason_required",
            "lost_reason",
        ),
        (
            late(),
            "update_opportunity",
            "confirmation_required",
            "confirm",
        ),
    ] {
        let result = call(client, tool, &arguments).await;
        assert!(words(&result).contains(argument), "{}", words(&result));
        let meta = result.meta.unwrap();
        let refusal = meta.get("expansion-pipeline/refusal").unwrap();
        assert_eq!(refusal["code"], code);
        assert_eq!(refusal["wants"]["argument"], argument);
    }
    assert_eq!(end(portfolio), before);
    let mut confirmed = late();
    confirmed["confirm"] = json!(true);
    call(client, "update_opportunity", &confirmed).await;
    assert!(end(portfolio) > before);
}

fn moves() -> Portfolio {
    support::portfolio("small/stage_move", TODAY)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_stdio_in_both_revisions() {
    for lifecycle in [old, new] {
        let (portfolio, person) = (moves(), willing());
        let client = over_stdio(&portfolio, person.clone(), lifecycle()).await;
        is_asked(&portfolio, &client, &person).await;
        let portfolio = moves();
        let client = over_stdio(&portfolio, unwilling(), lifecycle()).await;
        turns_down(&portfolio, &client).await;
        let client = over_stdio(&portfolio, Person::default(), lifecycle()).await;
        is_told(&portfolio, &client).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_http_in_both_revisions() {
    for lifecycle in [old, new] {
        let (portfolio, person) = (moves(), willing());
        let database = portfolio.database();
        let before = ["--db", database.to_str().unwrap(), "--today", TODAY];
        let served = Served::start(&before, &[]);
        let client = over_http(&served, person.clone(), lifecycle()).await;
        is_asked(&portfolio, &client, &person).await;
        let portfolio = moves();
        let database = portfolio.database();
        let before = ["--db", database.to_str().unwrap(), "--today", TODAY];
        let served = Served::start(&before, &[]);
        let client = over_http(&served, unwilling(), lifecycle()).await;
        turns_down(&portfolio, &client).await;
        let client = over_http(&served, Person::default(), lifecycle()).await;
        is_told(&portfolio, &client).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ambiguous_name_is_chosen_from_its_candidates_and_questions_follow_each_other() {
    for lifecycle in [old, new] {
        let portfolio = support::portfolio("demo", TODAY);
        let chosen = open_candidate(&portfolio);
        let person = Person::who_says([
            yes(json!({"opportunity": chosen})),
            yes(json!({"closed_value": "50k"})),
        ]);
        let client = over_stdio(&portfolio, person.clone(), lifecycle()).await;
        let result = call(&client, "update_stage", &one_of_many()).await;
        let outcome = result.structured_content.unwrap();
        let id = outcome["after"]["id"].as_str().unwrap();
        assert!(chosen.ends_with(&format!("({id})")), "{chosen} is {id}");
        assert_eq!(person.questions().len(), 2);
    }
}

/// A win by a name that several open deals of the demo have.
fn one_of_many() -> Value {
    json!({"opportunity": "Acme", "stage": "closed_won"})
}

/// One of those, as it is offered.
fn open_candidate(portfolio: &Portfolio) -> String {
    let refusal = portfolio.answer("update_stage", one_of_many()).unwrap_err();
    let is_open = |candidate: &&String| {
        let win = json!({"opportunity": candidate, "stage": "closed_won"});
        portfolio.ask("update_stage", win) == Err("closed_value_required")
    };
    refusal.candidates.iter().rfind(is_open).unwrap().clone()
}

/// The first round of a call.
async fn first(client: &Connected, tool: &'static str, arguments: &Value) -> InputRequiredResult {
    match client.call_tool_once(call_of(tool, arguments)).await {
        Ok(CallToolResponse::InputRequired(asked)) => asked,
        other => panic!("nobody was asked: {other:?}"),
    }
}

/// The second round of a call, with a state and an answer.
async fn second(
    client: &Connected,
    arguments: &Value,
    state: &str,
    answer: Value,
) -> Result<CallToolResponse, ServiceError> {
    let mut request = call_of("update_stage", arguments);
    request.request_state = Some(state.to_owned());
    request.input_responses = Some(serde_json::from_value(answer).unwrap());
    client.call_tool_once(request).await
}

fn value(words: &str) -> Value {
    json!({"closed_value": {"action": "accept", "content": {"closed_value": words}}})
}

fn is_refused(answer: Result<CallToolResponse, ServiceError>, says: &str) {
    match answer {
        Err(ServiceError::McpError(error)) => {
            assert_eq!(error.code.0, -32602);
            assert!(error.message.contains(says), "{}", error.message);
        }
        other => panic!("it was taken: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_is_good_for_its_caller_its_arguments_and_its_time_only() {
    let portfolio = moves();
    let long = Duration::from_secs(60);
    let ann = within(&portfolio, "Ann", Role::Admin, long).await;
    let asked = first(&ann, "update_stage", &won()).await;
    let state = asked.request_state.unwrap();
    let before = end(&portfolio);

    let not_made = "not made for this caller";
    let mut letters = state.clone().into_bytes();
    let last = letters.len() / 2;
    letters[last] = if letters[last] == b'A' { b'B' } else { b'A' };
    let tampered = String::from_utf8(letters).unwrap();
    for wrong in [tampered.as_str(), "", "made up", &state[..state.len() - 1]] {
        is_refused(second(&ann, &won(), wrong, value("11k")).await, not_made);
    }
    let bob = within(&portfolio, "Bob", Role::Admin, long).await;
    is_refused(second(&bob, &won(), &state, value("11k")).await, not_made);
    let less = within(&portfolio, "Ann", Role::Expansion, long).await;
    is_refused(second(&less, &won(), &state, value("11k")).await, not_made);
    let other = json!({"opportunity": "M-1", "stage": "closed_won"});
    is_refused(second(&ann, &other, &state, value("11k")).await, not_made);
    let mut other = won();
    other["reason"] = json!("another");
    is_refused(second(&ann, &other, &state, value("11k")).await, not_made);

    let misfit = json!({"closed_value": {"action": "accept", "content": {"stage": "identified"}}});
    is_refused(second(&ann, &won(), &state, misfit).await, "does not fit");
    is_refused(
        second(&ann, &won(), &state, value(&"9".repeat(501))).await,
        "does not fit",
    );

    let hasty = within(&portfolio, "Ann", Role::Admin, Duration::from_millis(1)).await;
    let brief = first(&hasty, "update_stage", &won()).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    let brief = brief.request_state.unwrap();
    is_refused(second(&ann, &won(), &brief, value("11k")).await, "expired");
    assert_eq!(end(&portfolio), before);

    // Without an answer it is asked again; another process of the database knows the state too.
    let again = second(&ann, &won(), &state, json!({})).await;
    assert!(matches!(again, Ok(CallToolResponse::InputRequired(_))));
    assert_eq!(end(&portfolio), before);
    let twin = within(&portfolio, "Ann", Role::Admin, long).await;
    let done = second(&twin, &won(), &state, value("11k")).await.unwrap();
    let CallToolResponse::Complete(done) = done else {
        panic!("not done: {done:?}")
    };
    assert_eq!(done.structured_content.unwrap()["changed"], true);
    assert!(end(&portfolio) > before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_turned_down_is_not_done_though_it_needs_no_answer_any_more() {
    let portfolio = moves();
    let ann = within(&portfolio, "Ann", Role::Admin, Duration::from_secs(60)).await;
    let arguments = json!({"opportunity": "M-2", "stage": "closed_lost"});
    let state = first(&ann, "update_stage", &arguments).await.request_state;
    let closed = json!({"opportunity": "M-2", "stage": "closed_lost", "lost_reason": "price"});
    portfolio.answer("update_stage", closed).unwrap();
    let before = end(&portfolio);
    let answer = json!({"lost_reason": {"action": "decline"}});
    let done = second(&ann, &arguments, &state.unwrap(), answer).await;
    let Ok(CallToolResponse::Complete(done)) = done else {
        panic!("not answered: {done:?}")
    };
    assert!(words(&done).contains("declined"));
    assert_eq!(end(&portfolio), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_confirmed_change_is_made_once_however_often_it_is_sent() {
    let portfolio = moves();
    let patience = Duration::from_secs(60);
    // Two servers on one file: what was confirmed before the one may come again before the other.
    let one = within(&portfolio, "Ann", Role::Admin, patience).await;
    let two = within(&portfolio, "Ann", Role::Admin, patience).await;
    let created = json!({
        "customer": "Newly Found", "new_customer": true, "name": "Later on", "type": "upsell",
        "estimated_value": 500, "expected_close": "2025-12-01",
    });
    let yes = json!({"confirm": {"action": "accept", "content": {"confirm": true}}});
    let calls = [
        ("create_opportunity", created, yes, None),
        ("update_stage", won(), value("11k"), Some(value("12k"))),
    ];
    for (tool, arguments, answer, other) in calls {
        let asked = first(&one, tool, &arguments).await;
        let send = async |client: &Connected, answer: &Value| {
            let mut request = call_of(tool, &arguments);
            request.request_state.clone_from(&asked.request_state);
            request.input_responses = Some(serde_json::from_value(answer.clone()).unwrap());
            match client.call_tool_once(request).await {
                Ok(CallToolResponse::Complete(done)) => done,
                other => panic!("not answered: {other:?}"),
            }
        };
        let made = send(&one, &answer).await.structured_content.unwrap();
        let did =
            tool == "create_opportunity" && made["created"] == true || made["changed"] == true;
        assert!(did, "{made}");
        // What is changed meanwhile stays so.
        let id = made["opportunity"]["id"].as_str().unwrap_or("M-2");
        let renamed = json!({"opportunity": id, "name": "Named otherwise"});
        portfolio.answer("update_opportunity", renamed).unwrap();
        let after = end(&portfolio);
        for client in [&one, &two] {
            let again = send(client, &answer).await.structured_content.unwrap();
            assert_eq!(again, made, "{tool}");
        }
        if let Some(other) = other {
            let refused = words(&send(&two, &other).await);
            assert!(refused.contains("answered before"), "{refused}");
        }
        assert_eq!(end(&portfolio), after);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_took_two_questions_is_made_once_though_its_first_state_is_sent_again() {
    let portfolio = support::portfolio("demo", TODAY);
    let ann = within(&portfolio, "Ann", Role::Admin, Duration::from_secs(60)).await;
    let chosen = open_candidate(&portfolio);
    let choice = json!({"opportunity": {"action": "accept", "content": {"opportunity": chosen}}});
    let arguments = one_of_many();
    let state = first(&ann, "update_stage", &arguments).await.request_state;
    let state = state.unwrap();
    let CallToolResponse::InputRequired(asked) = second(&ann, &arguments, &state, choice.clone())
        .await
        .unwrap()
    else {
        panic!("nobody was asked for the value");
    };
    let last = asked.request_state.unwrap();
    let confirmed = async || match second(&ann, &arguments, &last, value("50k")).await {
        Ok(CallToolResponse::Complete(done)) => done.structured_content.unwrap(),
        other => panic!("not answered: {other:?}"),
    };
    let done = confirmed().await;
    assert_eq!(done["changed"], true, "{done}");
    let reopened = json!({"opportunity": done["after"]["id"], "stage": "qualified", "reason": "not won after all"});
    portfolio.answer("update_stage", reopened).unwrap();
    let after = end(&portfolio);
    assert_eq!(confirmed().await, done);
    let CallToolResponse::Complete(refused) = second(&ann, &arguments, &state, choice.clone())
        .await
        .unwrap()
    else {
        panic!("asked again");
    };
    assert!(
        words(&refused).contains("answered before"),
        "{}",
        words(&refused)
    );
    assert_eq!(end(&portfolio), after);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_that_was_used_makes_nothing_whatever_comes_with_it() {
    let portfolio = moves();
    let ann = within(&portfolio, "Ann", Role::Admin, Duration::from_secs(60)).await;
    let state = first(&ann, "update_stage", &won()).await.request_state;
    let state = state.unwrap();
    // A form asks for words; some clients make a number of them.
    let number = json!({"closed_value": {"action": "accept", "content": {"closed_value": 11_000}}});
    let made = second(&ann, &won(), &state, number).await.unwrap();
    let CallToolResponse::Complete(made) = made else {
        panic!("asked again: {made:?}");
    };
    assert_eq!(
        made.structured_content.unwrap()["after"]["closed_value"],
        11_000
    );
    let after = end(&portfolio);
    let decline = json!({"closed_value": {"action": "decline"}});
    for (answer, says) in [
        (
            json!({}),
            "This question was answered before; nothing was written now",
        ),
        (decline, "Nothing was written now"),
    ] {
        match second(&ann, &won(), &state, answer).await.unwrap() {
            CallToolResponse::Complete(done) => {
                assert!(words(&done).contains(says), "{}", words(&done));
            }
            other => panic!("asked: {other:?}"),
        }
        assert_eq!(end(&portfolio), after);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_person_added_is_no_other_request_under_an_idempotency_key() {
    let portfolio = moves();
    let mut arguments = json!({
        "customer": "Newly Found", "new_customer": true, "name": "Later on", "type": "upsell",
        "estimated_value": 500, "expected_close": "2025-12-01", "idempotency_key": "K7",
    });
    // Of the older revision, whose calls wait, and of the newer one.
    for lifecycle in [old, new] {
        let person = Person::who_says([yes(json!({"confirm": true}))]);
        let client = over_stdio(&portfolio, person, lifecycle()).await;
        let made = call(&client, "create_opportunity", &arguments).await;
        let made = made.structured_content.unwrap();
        let after = end(&portfolio);
        // A client whose connection broke knows its own arguments only.
        let again = call(&client, "create_opportunity", &arguments).await;
        assert_eq!(again.structured_content.unwrap(), made);
        assert_eq!(end(&portfolio), after);
        arguments["idempotency_key"] = json!("K8");
        arguments["name"] = json!("Another");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_asked_where_nothing_may_be_written() {
    let portfolio = moves();
    let server = Server::new(
        Arc::new(support::reading(&portfolio.database())),
        None,
        Role::Admin,
    );
    let client = connected(server, Person::who_says([]), new()).await;
    let mut arguments = won();
    arguments["dry_run"] = json!(true);
    let refused = call(&client, "update_stage", &arguments).await;
    assert!(
        words(&refused).starts_with("closed_value_required"),
        "{}",
        words(&refused)
    );
    arguments["closed_value"] = json!("11k");
    let shown = call(&client, "update_stage", &arguments).await;
    assert_eq!(shown.structured_content.unwrap()["dry_run"], true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_so_many_calls_wait_for_a_person() {
    let portfolio = moves();
    let engine = Arc::new(support::engine(&portfolio.database(), TODAY));
    let server = Server::new(engine, None, Role::Admin);
    let thinking = || Person {
        thinks: true,
        ..Person::who_says([])
    };
    // In two sessions, for the bound is that of the process.
    let clients = [
        connected(server.for_session(), thinking(), old()).await,
        connected(server.for_session(), thinking(), old()).await,
    ];
    let mut calls: Vec<_> = (0..66)
        .map(|n| {
            let peer = clients[n % 2].peer().clone();
            tokio::spawn(async move { peer.call_tool(call_of("update_stage", &won())).await })
        })
        .collect();
    let mut told = Vec::new();
    while told.len() < 2 {
        let (ended, _, rest) = futures::future::select_all(calls).await;
        told.push(ended.unwrap().unwrap());
        calls = rest;
    }
    for refused in told {
        assert!(
            words(&refused).starts_with("closed_value_required"),
            "{}",
            words(&refused)
        );
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(calls.iter().all(|call| !call.is_finished()));
    for call in calls {
        call.abort();
    }
}
