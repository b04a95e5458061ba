//! A portfolio of any size, the same each time: a fifth open, the rest closed over three years,
//! each deal with the moves that led to where it stands.

use std::path::Path;

use chrono::NaiveDate;
use expansion_pipeline::domain::change::{Door, Subject, field};
use expansion_pipeline::domain::days::day;
use expansion_pipeline::domain::draft::{Author, Draft};
use expansion_pipeline::domain::origin::Origin;
use expansion_pipeline::domain::portfolio::Portfolio;
use expansion_pipeline::domain::role::Role;
use expansion_pipeline::domain::texts::NONE;
use expansion_pipeline::store::{Location, Store};

const DAY: i64 = 86_400_000;
/// Deals written in one transaction.
const STEP: u32 = 50_000;

/// The day of the benchmark: in the middle of a quarter.
pub fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 2, 12).unwrap()
}

/// What a deal is, from its number alone: shared with the plain SQL tables.
pub struct Deal {
    pub customer: u32,
    pub csm: u32,
    pub rep: u32,
    pub kind: u8,
    pub source: u32,
    pub product: u32,
    pub estimate: i64,
    pub identified: i32,
    /// When it left `identified`.
    pub moved: i32,
    pub stage: u8,
    /// Expected when open, actual when closed.
    pub close: i32,
    pub closed_value: i64,
    pub reason: u32,
}

/// A mixing of a number: a cheap, even, repeatable spread.
fn mix(n: u64) -> u64 {
    let mut x = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

pub fn customers(size: u32) -> u32 {
    (size / 20).max(20)
}

pub fn deal(n: u32, size: u32) -> Deal {
    let dice = |salt: u64, sides: u64| (mix(u64::from(n) * 31 + salt) % sides) as u32;
    let today = day(today());
    let open = dice(1, 5) == 0;
    let estimate = i64::from(dice(2, 2_000) + 10) * 10_000;
    let (identified, moved, stage, close) = if open {
        let identified = today - 5 - dice(3, 120) as i32;
        let moved = identified + 1 + dice(4, 4) as i32;
        (
            identified,
            moved,
            1 + dice(5, 3) as u8,
            today - 20 + dice(6, 200) as i32,
        )
    } else {
        let close = today - dice(3, 1_095) as i32;
        let identified = close - 20 - dice(4, 80) as i32;
        (
            identified,
            identified + 5,
            if dice(5, 100) < 60 { 4 } else { 5 },
            close,
        )
    };
    Deal {
        customer: dice(7, u64::from(customers(size))),
        csm: dice(8, 40),
        rep: dice(9, 25),
        kind: dice(10, 5) as u8,
        source: dice(11, 6),
        product: dice(12, 5),
        estimate,
        identified,
        moved,
        stage,
        close,
        closed_value: estimate - i64::from(dice(13, 50)) * 100,
        reason: dice(14, 8),
    }
}

/// The id of the n-th open deal or so.
pub fn open_deal(size: u32, n: u32) -> String {
    let step = size / 100;
    let number = (n * step..size)
        .find(|number| deal(*number, size).stage < 4)
        .unwrap();
    format!("D-{number}")
}

/// Writes the database and returns how many log entries it holds.
pub fn database(path: &Path, size: u32) -> u32 {
    let store = Store::create(&Location::File(path.to_owned()), "default").unwrap();
    let mut portfolio = Portfolio::default();
    let now = i64::from(day(today())) * DAY;
    let author = Author {
        role: Role::Admin,
        client: String::new(),
        trace: String::new(),
        actor: "bench".to_owned(),
        door: Door::Import,
        reason: String::new(),
        now,
    };
    let mut draft = Draft::new(&portfolio, &author);
    let reference = |draft: &mut Draft, count: u32, word: &str, people: bool| {
        for n in 0..count {
            let number = if people {
                draft.new_person()
            } else {
                draft.new_customer()
            };
            let subject = if people {
                Subject::Person(number)
            } else {
                Subject::Customer(number)
            };
            let (id, name) = (
                draft.text(&format!("{word}-{n}")),
                draft.text(&format!("{word} Number {n}")),
            );
            draft.set_number(subject, field::ID, now, id);
            draft.set_number(subject, field::NAME, now, name);
        }
    };
    reference(&mut draft, 40, "CSM", true);
    reference(&mut draft, 25, "REP", true);
    reference(&mut draft, customers(size), "C", false);
    portfolio = append(&store, draft);
    let mut written = 0;
    while written < size {
        let mut draft = Draft::new(&portfolio, &author);
        for n in written..size.min(written + STEP) {
            add(&mut draft, n, size);
        }
        written = size.min(written + STEP);
        portfolio = append(&store, draft);
    }
    portfolio.position()
}

fn append(store: &Store, draft: Draft) -> Portfolio {
    let planned = draft.finish();
    store.begin().unwrap();
    store.append(&planned.batch).unwrap();
    store.commit().unwrap();
    planned.after
}

fn add(draft: &mut Draft, n: u32, size: u32) {
    let deal = deal(n, size);
    let at = |on: i32| i64::from(on) * DAY;
    let origin = Origin {
        at: at(deal.identified),
        known_at: at(deal.identified),
        id: draft.text(&format!("D-{n}")),
        name: draft.text(&format!("Opportunity {n}")),
        customer: deal.customer,
        kind: deal.kind,
        history: true,
        estimate: deal.estimate,
        product_line: draft.text(&format!("Product {}", deal.product)),
        identified: deal.identified,
        stage_entered: deal.identified,
        expected_close: if deal.stage < 4 {
            deal.close
        } else {
            deal.close + 7
        },
        csm: deal.csm,
        sales_rep: 40 + deal.rep,
        source: draft.text(&format!("source_{}", deal.source)),
        notes: NONE,
        ..Origin::default()
    };
    let number = draft.deal(origin);
    let subject = Subject::Deal(number);
    let open = deal.stage < 4;
    draft.set(
        subject,
        field::STAGE,
        at(deal.moved),
        i64::from(if open { deal.stage } else { 2 }),
    );
    if !open {
        draft.set(subject, field::STAGE, at(deal.close), i64::from(deal.stage));
        draft.set(
            subject,
            field::ACTUAL_CLOSE,
            at(deal.close),
            i64::from(deal.close),
        );
        if deal.stage == 4 {
            draft.set(
                subject,
                field::CLOSED_VALUE,
                at(deal.close),
                deal.closed_value,
            );
        } else {
            let reason = draft.text(&format!("reason_{}", deal.reason));
            draft.set_number(subject, field::LOST_REASON, at(deal.close), reason);
        }
    }
}
