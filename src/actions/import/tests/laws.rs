//! Laws over exports of a system that goes on working between them.

use super::*;

/// A system that exports what happens in it.
#[derive(Debug, Clone)]
struct Crm {
    deals: Vec<CrmDeal>,
    day: i32,
}

#[derive(Debug, Clone)]
struct CrmDeal {
    stage: usize,
    entered: i32,
    value: u32,
    due: i32,
    moves: Vec<String>,
    edits: Vec<String>,
}

fn shown(offset: i32) -> String {
    date(day(on("2025-10-01")) + offset).unwrap().to_string()
}

impl Crm {
    fn new(deals: usize) -> Self {
        let deal = |nth: usize| CrmDeal {
            stage: 0,
            entered: 0,
            value: 100,
            due: 90,
            moves: vec![format!("D-{nth},,identified,{}", shown(0))],
            edits: Vec::new(),
        };
        Crm {
            deals: (0..deals).map(deal).collect(),
            day: 0,
        }
    }

    /// Something happens to a deal: it moves, or a field of it changes.
    fn happen(&mut self, nth: usize, what: u8, to: usize, days: i32) {
        self.day += days;
        let (today, count) = (shown(self.day), self.deals.len());
        let deal = &mut self.deals[nth % count];
        let id = nth % count;
        match what {
            0..=3 if to != deal.stage => {
                deal.moves.push(format!(
                    "D-{id},{},{},{today}",
                    Stage::ALL[deal.stage].word(),
                    Stage::ALL[to].word()
                ));
                (deal.stage, deal.entered) = (to, self.day);
            }
            4 | 5 => {
                let value = deal.value + 10;
                deal.edits.push(format!(
                    "D-{id},estimated_value,{},{value},{today}",
                    deal.value
                ));
                deal.value = value;
            }
            _ => {
                let due = deal.due + to as i32;
                if due != deal.due {
                    deal.edits.push(format!(
                        "D-{id},expected_close,{},{},{today}",
                        shown(deal.due),
                        shown(due)
                    ));
                    deal.due = due;
                }
            }
        }
    }

    /// The files of an export; `reversed` turns the order of all rows around.
    fn export(&self, has_history: bool, reversed: bool) -> Vec<Source> {
        let rows = |mut rows: Vec<String>, header: &str| {
            if reversed {
                rows.reverse();
            }
            format!("{header}\n{}\n", rows.join("\n"))
        };
        let row = |(nth, deal): (usize, &CrmDeal)| {
            let stage = Stage::ALL[deal.stage];
            let close = if stage.is_open() {
                String::new()
            } else {
                shown(deal.entered)
            };
            let won = if stage == Stage::ClosedWon {
                deal.value.to_string()
            } else {
                String::new()
            };
            format!(
                "D-{nth},upsell,{},{},{},{},{},{close},{won}",
                deal.value,
                shown(0),
                shown(deal.due),
                stage.word(),
                shown(deal.entered)
            )
        };
        let header = "id,type,estimated_value,identified_date,expected_close,stage,stage_entered_at,actual_close,closed_value";
        let opportunities = rows(self.deals.iter().enumerate().map(row).collect(), header);
        let moves = self
            .deals
            .iter()
            .flat_map(|deal| deal.moves.clone())
            .collect();
        let edits = self
            .deals
            .iter()
            .flat_map(|deal| deal.edits.clone())
            .collect();
        let moves = rows(moves, "opportunity_id,from_stage,to_stage,at");
        let edits = rows(edits, "opportunity_id,field,from,to,at");
        let mut files = vec![("opportunities", opportunities.as_str())];
        if has_history {
            files.extend([
                ("stage_history", moves.as_str()),
                ("field_history", edits.as_str()),
            ]);
        }
        named(&files)
    }
}

fn events() -> impl Strategy<Value = Vec<(usize, u8, usize, i32)>> {
    proptest::collection::vec((0..3_usize, 0..8_u8, 0..6_usize, 0..6_i32), 0..25)
}

/// What is compared between two offices that should agree.
fn facts(office: &Office, id: &str) -> (Deal, Vec<(Stage, i32)>) {
    let deal = Deal {
        number: 0,
        ..office.deal(id)
    };
    let mut stays = office.stays(id);
    stays.sort();
    (deal, stays)
}

/// A day on which a deal went to and fro, put on record after the stage it came to in the end.
#[test]
fn a_day_of_to_and_fro_is_put_on_record_later() {
    let mut crm = Crm::new(1);
    for (to, days) in [(1, 0), (0, 0), (1, 0), (0, 1)] {
        crm.happen(0, 0, to, days);
    }
    let mut office = Office::new();
    office.take(&crm.export(false, false));
    let last = office.take(&crm.export(true, false));
    assert_eq!(last.rejections, &[]);
    assert_eq!(last.summary.conflicts.count, 0, "{:?}", last.summary);
    let again = office.take(&crm.export(true, false));
    assert!(
        again.planned.batch.is_empty(),
        "{:#?}",
        again.planned.batch.changes
    );
    let mut fresh = Office::new();
    fresh.take(&crm.export(true, false));
    assert_eq!(facts(&office, "D-0"), facts(&fresh, "D-0"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// However many exports it takes, with the history or without, the present is that of the last
    /// one, and no export says anything twice.
    #[test]
    fn many_exports_come_to_the_same_as_the_last_one(parts in proptest::collection::vec((events(), any::<bool>()), 1..4)) {
        let mut crm = Crm::new(3);
        let mut office = Office::new();
        for (events, has_history) in &parts {
            for (nth, what, to, days) in events {
                crm.happen(*nth, *what, *to, *days);
            }
            office.take(&crm.export(*has_history, false));
            let again = office.take(&crm.export(*has_history, false));
            prop_assert!(again.planned.batch.is_empty(), "{:?}", again.planned.batch.changes);
        }
        let mut fresh = Office::new();
        fresh.take(&crm.export(true, false));
        // Whatever was missing, the whole history puts it on record.
        let last = office.take(&crm.export(true, false));
        prop_assert_eq!(&last.rejections, &[]);
        prop_assert_eq!(last.summary.conflicts.count, 0);
        prop_assert!(office.take(&crm.export(true, false)).planned.batch.is_empty());
        for nth in 0..3 {
            let id = format!("D-{nth}");
            let (ours, theirs) = (facts(&office, &id), facts(&fresh, &id));
            prop_assert_eq!((ours.0.stage, ours.0.value, ours.0.close, ours.0.estimate), (theirs.0.stage, theirs.0.value, theirs.0.close, theirs.0.estimate));
        }
    }

    /// With its history an export comes to the same whether it is the first or one of many.
    #[test]
    fn with_history_nothing_is_lost_between_exports(parts in proptest::collection::vec(events(), 1..4)) {
        let mut crm = Crm::new(3);
        let mut office = Office::new();
        for events in &parts {
            for (nth, what, to, days) in events {
                crm.happen(*nth, *what, *to, *days);
            }
            office.take(&crm.export(true, false));
        }
        let mut fresh = Office::new();
        fresh.take(&crm.export(true, false));
        for nth in 0..3 {
            let id = format!("D-{nth}");
            prop_assert_eq!(facts(&office, &id), facts(&fresh, &id));
        }
    }

    /// The order of the rows never matters.
    #[test]
    fn the_order_of_the_rows_never_matters(events in events()) {
        let mut crm = Crm::new(3);
        // One thing a day: rows of a day that lead in a circle have no order but the file's.
        for (nth, what, to, days) in &events {
            crm.happen(*nth, *what, *to, days + 1);
        }
        let (mut one, mut other) = (Office::new(), Office::new());
        one.take(&crm.export(true, false));
        other.take(&crm.export(true, true));
        for nth in 0..3 {
            let id = format!("D-{nth}");
            prop_assert_eq!(facts(&one, &id), facts(&other, &id));
        }
    }

    /// What is changed here stays, whatever the other system exports later, and exports say nothing twice.
    #[test]
    fn what_is_changed_here_stays(before in events(), after in proptest::collection::vec((events(), any::<bool>()), 1..4), stage in 0..4_u8) {
        let mut crm = Crm::new(3);
        let mut office = Office::new();
        for (nth, what, to, days) in &before {
            crm.happen(*nth, *what, *to, *days);
        }
        office.take(&crm.export(true, false));
        office.change("D-0", field::ESTIMATED_VALUE, 777);
        office.change("D-0", field::EXPECTED_CLOSE, EMPTY);
        office.change("D-0", field::STAGE, i64::from(stage));
        let stood = office.deal("D-0");
        let stage_stays = crm.deals[0].stage != usize::from(stage);
        for (events, has_history) in &after {
            for (nth, what, to, days) in events {
                crm.happen(*nth, *what, *to, *days);
            }
            office.take(&crm.export(*has_history, false));
            let again = office.take(&crm.export(*has_history, false));
            prop_assert!(again.planned.batch.is_empty(), "{:?}", again.planned.batch.changes);
            let stands = office.deal("D-0");
            prop_assert_eq!((stands.estimate, office.found("D-0").detail.expected_close), (777, crate::domain::change::NO_DAY));
            // Once the other system has come to the same stage, it may go on from there.
            if stage_stays && crm.deals[0].moves.iter().all(|row| !row.contains(&format!(",{},", Stage::ALL[usize::from(stage)].word()))) {
                prop_assert_eq!(stands.stage, stood.stage);
            }
        }
    }
}
