//! How many questions are answered a second, beside as many echoes: one question that is asked again and
//! again, as by the viewers of a dashboard, and one that is another each time, as by agents.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::{Client, Question};
use crate::server::Server;
use crate::{SIZE, generate};

/// How long each measurement takes, and how many there are of each server, taking turns.
const SPAN: Duration = Duration::from_secs(1);
const TURNS: usize = 13;

/// What is asked of a server, in turn.
struct Load {
    name: &'static str,
    server: Server,
    questions: Arc<[Question]>,
}

/// Prints the table.
pub async fn measure() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("pipeline.db");
    generate::database(&database, SIZE);
    let same = [Question::new("get_pipeline", &json!({}))];
    // More than answers are kept of, so that each is worked out: the pipelines of each CSM, by type.
    let types = [
        "upsell",
        "cross_sell",
        "add_on",
        "seat_expansion",
        "tier_upgrade",
    ];
    let other = (0..40).flat_map(|csm| {
        types.map(|kind| {
            let arguments = json!({"csm": [format!("CSM-{csm}")], "type": [kind]});
            Question::new("get_pipeline", &arguments)
        })
    });
    let echo = [Question::new("echo", &json!({"message": "hello"}))];
    let loads = [
        ("echo", Server::echo(), echo.into()),
        ("get_pipeline", Server::of(&database), same.into()),
        (
            "get_pipeline, another each time",
            Server::of(&database),
            other.collect(),
        ),
    ];
    let loads = loads.map(|(name, server, questions)| Load {
        name,
        server,
        questions,
    });
    println!("\n## {SIZE} opportunities over HTTP, beside an echo\n");
    println!(
        "| connections | asked | answers | of the echo's | processor time each |\n|---|---|---|---|---|"
    );
    for connections in [1, 16, 256] {
        let mut measured = [(); 3].map(|()| (Vec::new(), Duration::ZERO));
        for _ in 0..TURNS {
            for (load, (rates, cost)) in loads.iter().zip(&mut measured) {
                let before = load.server.used();
                let (answers, took) = load.run(connections).await;
                rates.push(answers as f64 / took.as_secs_f64());
                *cost += (load.server.used() - before).div_f64(answers as f64);
            }
        }
        let echoes = measured[0].0.clone();
        for (load, (rates, cost)) in loads.iter().zip(measured) {
            // Each beside the echo of its own turn: other programs on the machine come and go.
            let beside = rates.iter().zip(&echoes).map(|(rate, echo)| rate / echo);
            let (beside, rate) = (median(beside.collect()), median(rates));
            let cost = cost.as_secs_f64() * 1e6 / TURNS as f64;
            println!(
                "| {connections} | {} | {rate:.0}/s | {beside:.2} | {cost:.0} µs |",
                load.name
            );
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

impl Load {
    /// Asks over so many connections at once: how many answers came, in which time.
    async fn run(&self, connections: usize) -> (u64, Duration) {
        let stop = Arc::new(AtomicBool::new(false));
        let answers = Arc::new(AtomicU64::new(0));
        let mut clients = Vec::new();
        for _ in 0..connections {
            let mut client = Client::connect(&self.server.address).await;
            // One that does not count: whatever has to be read is read then.
            client.result(&self.questions[0]).await;
            clients.push(client);
        }
        let start = Instant::now();
        let ask = |(place, mut client): (usize, Client)| {
            let (stop, answers) = (Arc::clone(&stop), Arc::clone(&answers));
            let questions = Arc::clone(&self.questions);
            tokio::spawn(async move {
                let from_here = questions.iter().cycle().skip(place % questions.len());
                for question in from_here {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    client.ask(question).await;
                    answers.fetch_add(1, Ordering::Relaxed);
                }
            })
        };
        let tasks: Vec<_> = clients.into_iter().enumerate().map(ask).collect();
        tokio::time::sleep(SPAN).await;
        stop.store(true, Ordering::Relaxed);
        for task in tasks {
            task.await.unwrap();
        }
        (answers.load(Ordering::Relaxed), start.elapsed())
    }
}
