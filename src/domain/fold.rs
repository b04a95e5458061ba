//! How a deal comes to stand as it does: its origin and the changes that count, in order. The stage
//! facts (entered, stays) are part of it, so they can never disagree with the log.

use super::change::{Change, Day, EMPTY, Millis, NO_DAY, field};
use super::days::DayTable;
use super::deal::{
    Attribute, DATED_LATE, Deal, Detail, HISTORY, REDATED, Stay, UNRECORDED, place_of,
};
use super::origin::{FOLLOWS, FOLLOWS_CATEGORY, Origin, recorded_bit};
use super::stage::{ExpansionType, OPEN_BITS, Stage};
use super::texts::NONE;

/// Everything that folding one deal gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Folded {
    /// The figures.
    pub deal: Deal,
    /// The rest.
    pub detail: Detail,
}

/// What a deal is folded from.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// How it came on record.
    origin: &'a Origin,
    /// The changes up to the instant it is folded to, by (at, seq).
    changes: &'a [Change],
    /// Those after it.
    later: &'a [Change],
}

impl<'a> Record<'a> {
    /// What is on record of a deal up to an instant, of the changes that count; `None` when it did not
    /// exist yet.
    pub fn up_to(origin: &'a Origin, changes: &'a [Change], until: Millis) -> Option<Record<'a>> {
        // Counted, not searched for: a search waits for memory at each step.
        let counted = changes.iter().filter(|change| change.at <= until).count();
        let (changes, later) = changes.split_at(counted);
        (origin.at <= until).then_some(Record {
            origin,
            changes,
            later,
        })
    }

    /// Everything on record of a deal, of the changes that count.
    pub const fn whole(origin: &'a Origin, changes: &'a [Change]) -> Record<'a> {
        Record {
            origin,
            changes,
            later: &[],
        }
    }
}

/// Folds one deal; its stays and attributes are added to the lists given.
pub fn fold(
    record: Record<'_>,
    days: &DayTable,
    stays: &mut Vec<Stay>,
    attributes: &mut Vec<Attribute>,
) -> Folded {
    let Record {
        origin, changes, ..
    } = record;
    let place = place_of(origin.deal);
    let stage = Stage::from_code(origin.stage).unwrap_or(Stage::Identified);
    let mut now = Folding::of(origin);
    let mut deal = Deal {
        // A deal without an estimate is worth nothing, as is one whose estimate was emptied.
        value: origin.estimate.max(0),
        estimate: origin.estimate.max(0),
        number: origin.deal,
        customer: origin.customer,
        csm: origin.csm,
        sales_rep: origin.sales_rep,
        source: origin.source,
        product_line: origin.product_line,
        identified: origin.identified,
        close: origin.expected_close,
        stage_entered: origin.stage_entered,
        lost_reason: NONE,
        probability: origin.probability,
        category: origin.category,
        stage,
        kind: ExpansionType::from_code(origin.kind).unwrap_or(ExpansionType::Upsell),
        entered: 0,
        foreign: origin.currency != NONE,
        gaps: if origin.is_on_record(field::EXPECTED_CLOSE, changes, origin.at) {
            0
        } else {
            DATED_LATE
        },
    };
    let mut detail = Detail {
        id: origin.id,
        name: origin.name,
        champion: origin.champion,
        use_case: origin.use_case,
        notes: origin.notes,
        lost_note: NONE,
        signal: NONE,
        currency: origin.currency,
        expected_close: origin.expected_close,
        version: origin.seq,
        term_months: origin.term_months,
    };
    let mut recorded = origin.recorded;
    let attributes_before = attributes.len();
    for change in changes {
        detail.version = detail.version.max(change.seq);
        recorded |= recorded_bit(change.field);
        let number = if change.value == EMPTY {
            NONE
        } else {
            u32::try_from(change.value).unwrap_or(NONE)
        };
        let day = if change.value == EMPTY {
            NO_DAY
        } else {
            Day::try_from(change.value).unwrap_or(NO_DAY)
        };
        match change.field {
            field::STAGE | field::STAGE_ASSERTED | field::STAGE_UNDATED => {
                let to = u8::try_from(change.value)
                    .ok()
                    .and_then(Stage::from_code)
                    .unwrap_or(now.stage);
                now.enter(to, change, days, place, stays);
            }
            field::ESTIMATED_VALUE => deal.estimate = change.value.max(0),
            field::EXPECTED_CLOSE => {
                now.expected_close = day;
                now.redated = true;
            }
            field::ACTUAL_CLOSE => now.actual_close = day,
            field::CLOSED_VALUE => {
                now.closed_value = (change.value != EMPTY).then_some(change.value.max(0));
            }
            field::PROBABILITY => deal.probability = u16::try_from(change.value).unwrap_or(FOLLOWS),
            field::CATEGORY => {
                deal.category = u8::try_from(change.value).unwrap_or(FOLLOWS_CATEGORY)
            }
            field::CUSTOMER => deal.customer = number,
            field::CSM => deal.csm = number,
            field::SALES_REP => deal.sales_rep = number,
            field::SOURCE => deal.source = number,
            field::PRODUCT_LINE => deal.product_line = number,
            field::IDENTIFIED => deal.identified = day,
            field::LOST_REASON => deal.lost_reason = number,
            field::KIND => {
                deal.kind = u8::try_from(change.value)
                    .ok()
                    .and_then(ExpansionType::from_code)
                    .unwrap_or(deal.kind);
            }
            field::NAME => detail.name = number,
            field::CHAMPION => detail.champion = number,
            field::USE_CASE => detail.use_case = number,
            field::NOTES => detail.notes = number,
            field::LOST_NOTE => detail.lost_note = number,
            field::SIGNAL if detail.signal == NONE => detail.signal = number,
            field::TERM_MONTHS => detail.term_months = u16::try_from(change.value).unwrap_or(0),
            field::CURRENCY => {
                detail.currency = number;
                deal.foreign = number != NONE;
            }
            attribute if attribute >= field::ATTRIBUTES => {
                let name = attribute - field::ATTRIBUTES;
                let known = attributes
                    .iter_mut()
                    .skip(attributes_before)
                    .find(|known| known.name == name);
                match known {
                    Some(known) => known.value = number,
                    None => attributes.push(Attribute {
                        place,
                        name,
                        value: number,
                    }),
                }
            }
            _ => {}
        }
    }
    deal.stage = now.stage;
    deal.stage_entered = now.stage_entered;
    deal.entered =
        now.entered | if now.history { HISTORY } else { 0 } | if now.redated { REDATED } else { 0 };
    deal.value = if now.stage == Stage::ClosedWon {
        // Of a win that was undone a file may not say the value: the earliest known one stands for it.
        now.closed_value
            .or_else(|| earliest_closed_value(record.later))
            .unwrap_or(deal.estimate)
    } else {
        deal.estimate
    };
    deal.close = if now.stage.is_open() {
        now.expected_close
    } else {
        now.actual_close
    };
    detail.expected_close = now.expected_close;
    if rests_on(&deal) & !recorded != 0 {
        deal.gaps |= UNRECORDED;
    }
    if now.stage != Stage::ClosedLost {
        // A reopened or won deal shows no loss; the log keeps it.
        deal.lost_reason = NONE;
        detail.lost_note = NONE;
    }
    Folded { deal, detail }
}

/// The fields (bits) that the figures of a deal rest on ([`UNRECORDED`]).
fn rests_on(deal: &Deal) -> u32 {
    let by_hand = |is_by_hand, field| if is_by_hand { recorded_bit(field) } else { 0 };
    match deal.stage {
        Stage::ClosedWon => recorded_bit(field::CLOSED_VALUE),
        Stage::ClosedLost => recorded_bit(field::ESTIMATED_VALUE),
        _ => {
            recorded_bit(field::ESTIMATED_VALUE)
                | recorded_bit(field::EXPECTED_CLOSE)
                | recorded_bit(field::STAGE)
                | by_hand(deal.probability != FOLLOWS, field::PROBABILITY)
                | by_hand(deal.category != FOLLOWS_CATEGORY, field::CATEGORY)
        }
    }
}

fn earliest_closed_value(changes: &[Change]) -> Option<i64> {
    changes
        .iter()
        .find(|change| change.field == field::CLOSED_VALUE && change.value != EMPTY)
        .map(|change| change.value.max(0))
}

/// The part of the fold that stage moves govern.
struct Folding {
    stage: Stage,
    stage_entered: Day,
    entered: u8,
    history: bool,
    /// Whether a recorded move was seen; an assertion after it is one, too.
    moved: bool,
    /// Whether its expected close was changed.
    redated: bool,
    /// Stage, date and stages entered before the assertion that brought it where it is.
    asserted: Option<(Stage, Day, u8)>,
    expected_close: Day,
    actual_close: Day,
    closed_value: Option<i64>,
}

/// A stage on a deal's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passage {
    /// The stage.
    pub stage: Stage,
    /// The day it was entered; [`NO_DAY`] when nobody knows.
    pub day: Day,
    /// The open stages (bits) the deal had then ever entered, skipped ones among them.
    pub entered: u8,
}

/// The stages a deal stood in up to an instant, in order.
pub fn way(origin: &Origin, changes: &[Change], days: &DayTable, until: Millis) -> Vec<Passage> {
    let mut now = Folding::of(origin);
    let passage = |now: &Folding| Passage {
        stage: now.stage,
        day: now.stage_entered,
        entered: now.entered,
    };
    let mut way = vec![passage(&now)];
    let moves = changes
        .iter()
        .take_while(|change| change.at <= until)
        .filter(|change| field::is_stage(change.field));
    for change in moves {
        let to = u8::try_from(change.value).ok().and_then(Stage::from_code);
        let before = now.stage;
        now.enter(to.unwrap_or(before), change, days, 0, &mut Vec::new());
        match way.last_mut() {
            // The same stage may be dated anew.
            Some(last) if before == now.stage => *last = passage(&now),
            _ => way.push(passage(&now)),
        }
    }
    way
}

impl Folding {
    fn of(origin: &Origin) -> Folding {
        let stage = Stage::from_code(origin.stage).unwrap_or(Stage::Identified);
        Folding {
            stage,
            stage_entered: origin.stage_entered,
            entered: stage.bit() & OPEN_BITS,
            history: origin.history,
            moved: false,
            redated: false,
            asserted: None,
            expected_close: origin.expected_close,
            actual_close: NO_DAY,
            closed_value: None,
        }
    }

    /// Enters a stage, unless the deal is in it already.
    fn enter(
        &mut self,
        to: Stage,
        change: &Change,
        days: &DayTable,
        place: u16,
        stays: &mut Vec<Stay>,
    ) {
        if to == self.stage {
            // A later file may put on record the very move that an earlier one left out.
            let before = self.asserted.filter(|_| change.field == field::STAGE);
            let Some((stage, stage_entered, entered)) = before else {
                // A file may date anew since when it has stood where it came on record.
                if change.field == field::STAGE_ASSERTED && !self.moved {
                    self.stage_entered = days.of(change.at);
                }
                return;
            };
            (self.stage, self.stage_entered, self.entered) = (stage, stage_entered, entered);
        }
        let asserted = change.field != field::STAGE && !self.moved;
        let day = if change.field == field::STAGE_UNDATED {
            NO_DAY
        } else {
            days.of(change.at)
        };
        let from = self.stage;
        if asserted {
            // Nothing is known of the way there: the recorded history begins here.
            self.asserted = Some((self.stage, self.stage_entered, self.entered));
            self.entered = to.bit() & OPEN_BITS;
        } else {
            self.asserted = None;
            self.moved = true;
            self.history = true;
            if from.is_open() && self.stage_entered != NO_DAY && day != NO_DAY {
                stays.push(Stay {
                    place,
                    stage: from.code(),
                    days: (day - self.stage_entered).max(0),
                });
            }
            if from.is_open() && to > from && to != Stage::ClosedLost {
                // Stages skipped between two open ones, or from an open one to won, were passed.
                let up_to_from = from.bit() | (from.bit() - 1);
                self.entered |= (to.bit() - 1) & !up_to_from & OPEN_BITS;
            }
            self.entered |= to.bit() & OPEN_BITS;
        }
        self.stage = to;
        self.stage_entered = day;
    }
}
