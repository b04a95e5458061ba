//! From tokens to what a whole text says: one expression of time, two that are the ends of a span, or
//! one that is an end with today as the other. The expressions are `grammar`'s.

use super::grammar::{Item, Years, count, day_number, item, year_of};
use super::words::Token::{self, *};
use super::words::Unit;

/// A whole answer to "when?".
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Phrase {
    /// One expression: "Q1 2026".
    One(Item),
    /// From the first day of one to the last day of another: "Jan to Mar".
    Span(Item, Item),
    /// From its first day to today.
    Since(Item),
    /// The same, of something that need not be over: "year to date".
    ToDate(Item),
    /// From its first day on, with no end said: "from January", "2026-01-15..".
    From(Item),
    /// From today to its last day.
    Until(Item),
}

/// What a whole text says.
pub(super) fn phrase(tokens: &[Token]) -> Option<Phrase> {
    match tokens {
        [Since, said @ ..] => item(said).map(Phrase::Since),
        [To, Date, said @ ..] => item(said).map(Phrase::ToDate),
        [To | By | Rest, said @ ..] => item(said).map(Phrase::Until),
        [Between, said @ ..] => span(said, &[To, Dash, Slash, And]),
        [From, said @ .., Onward | To] | [From, said @ ..] if item(said).is_some() => {
            item(said).map(Phrase::From)
        }
        [From, said @ ..] => to_date(said).or_else(|| span(said, &[To, Dash, Slash, And])),
        [Within, n @ (Number(_) | FourDigits(_)), Unit(unit)] => Some(Phrase::One(Item::Coming {
            count: count(*n)?,
            unit: *unit,
        })),
        // "3 quarter" may as well be meant for a name, so only these units are counted bare.
        [
            n @ Number(_),
            Unit(unit @ (Unit::Day | Unit::Week | Unit::Month | Unit::Year)),
        ] => Some(Phrase::One(Item::Beyond {
            count: count(*n)?,
            unit: *unit,
        })),
        [Within, said @ ..] => phrase(said),
        [In, said @ ..] if item(tokens).is_none() => phrase(said),
        said => match item(said) {
            Some(item) if item.is_an_end() => Some(Phrase::Until(item)),
            Some(item) => Some(Phrase::One(item)),
            None => to_date(said)
                .or_else(|| onward(said))
                .or_else(|| span(said, &[To, Dash, Slash])),
        },
    }
}

/// What a text says that should name one day.
pub(super) fn day(tokens: &[Token]) -> Option<Item> {
    let said = if let [By | Within, said @ ..] = tokens {
        said
    } else {
        tokens
    };
    item(said).filter(Item::is_a_day)
}

/// "year to date", also with dashes between its words.
fn to_date(tokens: &[Token]) -> Option<Phrase> {
    let said: Vec<Token> = tokens
        .iter()
        .copied()
        .filter(|token| !matches!(token, Dash | Slash))
        .collect();
    match said.as_slice() {
        [said @ .., To, Date] => item(said).map(Phrase::ToDate),
        _ => None,
    }
}

fn onward(tokens: &[Token]) -> Option<Phrase> {
    match tokens {
        [said @ .., Onward | To] => item(said).map(Phrase::From),
        _ => None,
    }
}

/// Two ends, on either side of the first of these signs that parts the tokens into two that both
/// mean something.
fn span(tokens: &[Token], signs: &[Token]) -> Option<Phrase> {
    let places = tokens
        .iter()
        .enumerate()
        .filter(|(_, token)| signs.contains(token));
    places
        .map(|(place, _)| tokens.split_at(place))
        .find_map(|(from, to)| under_one(from, to.get(1..)?))
}

/// Two ends of which one or both say which years they speak of: said once, it is said of both.
fn under_one(from: &[Token], to: &[Token]) -> Option<Phrase> {
    let says = |token: Token| from.contains(&token) || to.contains(&token);
    let (word, years) = match (says(Civil), says(Fiscal)) {
        (true, false) => (Civil, Years::Civil),
        (false, true) => (Fiscal, Years::Fiscal),
        _ => return two_ends(from, to).map(|(start, end)| Phrase::Span(start, end)),
    };
    let without = |tokens: &[Token]| -> Vec<Token> {
        let others = tokens.iter().copied().filter(|token| *token != word);
        others.collect()
    };
    let (mut start, mut end) = two_ends(&without(from), &without(to))?;
    if years == Years::Fiscal {
        share_year(&mut start, &mut end);
    }
    let under = |item| Item::Under(years, Box::new(item));
    Some(Phrase::Span(under(start), under(end)))
}

/// A fiscal year that one end names is the other's too. In calendar years the other end lies where
/// the span is shortest ("Nov to Feb 2026" begins in 2025); of "Jan to Mar FY27" nobody could say
/// which January that would be.
fn share_year(start: &mut Item, end: &mut Item) {
    if let (Some(one), Some(other)) = (start.year_mut(), end.year_mut()) {
        *one = one.or(*other);
        *other = other.or(*one);
    }
}

fn two_ends(from: &[Token], to: &[Token]) -> Option<(Item, Item)> {
    if matches!(from, [Unit(_)]) || matches!(to, [Unit(_)]) {
        return None; // "Q1-half", "2026-month": a unit of nothing is no end.
    }
    match (item(from), item(to)) {
        (Some(start), Some(end)) => Some((start, end)),
        // "5-20 Feb": the first day lies in the month of the second.
        (None, Some(Item::On { day, month, year })) => {
            let start = Item::On {
                day: day_number(from)?,
                month,
                year,
            };
            Some((start, Item::On { day, month, year }))
        }
        // "Feb 5-20, 2026": the second lies in the month of the first, and the year is of both.
        (Some(Item::On { day, month, year }), None) => {
            let (last, years) = to.split_at_checked(1)?;
            let year = match (year, years) {
                (year, []) => year,
                (None, years) => Some(year_of(years)?),
                (Some(_), _) => return None,
            };
            let end = Item::On {
                day: day_number(last)?,
                month,
                year,
            };
            Some((Item::On { day, month, year }, end))
        }
        _ => None,
    }
}
