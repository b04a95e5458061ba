//! From tokens to one expression of time: which shapes of words mean something. How expressions make
//! a whole answer is `phrases`. Nothing here knows today, the organisation's calendar or the
//! direction; `resolve` gives the shapes their days.
//!
//! Each function below is one table of shapes. A shape takes the whole slice or does not match, so
//! tables are tried in order and no token is ever silently left over.

use chrono::Weekday;

use super::words::Token::{self, *};
use super::words::Unit;

/// One expression of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    /// A day of a month.
    On {
        day: u32,
        month: u32,
        year: Option<Year>,
    },
    /// 03/04/2026, where either number may be the day.
    Ambiguous(u32, u32, i32),
    /// So many units from today; before it when negative.
    Away { count: i32, unit: Unit },
    /// A day of some week: of one that lies so many steps from the current one, or of any.
    Weekday { day: Weekday, week: Option<i32> },
    /// A date with the day of the week it should fall on.
    Dated(Weekday, Box<Item>),
    /// The first or the last day of something.
    Edge(Edge, Box<Item>),
    /// The week that holds a day.
    WeekOf(Box<Item>),
    /// A week by its number in a calendar year.
    Week { number: u32, year: Option<Year> },
    /// A calendar month.
    Month { month: u32, year: Option<Year> },
    /// A quarter or a half by its number.
    Part {
        unit: Unit,
        number: i32,
        year: Option<Year>,
    },
    /// A year by its number.
    Year(i32),
    /// The whole unit that lies so many steps from the current one.
    Current { unit: Unit, step: i32 },
    /// So many whole units next to the current one: before it when negative. Days include today.
    Run { count: i32, unit: Unit },
    /// So much time up to today.
    Trailing { count: i32, unit: Unit },
    /// So much time from today on.
    Coming { count: i32, unit: Unit },
    /// So many units in the direction of reading: up to today, or the whole ones that come next.
    Beyond { count: i32, unit: Unit },
    /// All days there are, up to today when reading back.
    Ever,
    /// Of something that recurs, the one that is over already (−1) or not yet begun (1).
    Beside(i32, Box<Item>),
    /// The same, its years counted in another way than usual.
    Under(Years, Box<Item>),
}

/// The year that a month or a part of a year lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Year {
    Numbered(i32),
    /// Steps from the current year.
    Step(i32),
}

/// One end of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edge {
    First,
    Last,
}

/// Which years an expression speaks of, when it says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Years {
    /// "FY27", "fiscal 2027": a number is a fiscal year's.
    Fiscal,
    /// "calendar year", "calendar Q1": every year begins in January.
    Civil,
}

/// One expression. A dash or slash inside it only joins words ("2026-Q1", "year-to-date"), and
/// "fiscal" or "calendar" anywhere in it is said of the whole.
pub(super) fn item(tokens: &[Token]) -> Option<Item> {
    let without = |word: Token| -> Vec<Token> {
        tokens
            .iter()
            .copied()
            .filter(|token| *token != word)
            .collect()
    };
    if matches!(tokens, [Dash | Slash, ..] | [.., Dash | Slash]) {
        return None; // One end of a span whose other end is missing.
    }
    if tokens
        .windows(3)
        .any(|three| matches!(three, [Dash, Number(_) | FourDigits(_), Unit(_)]))
    {
        return None; // "-3 days": a minus sign, and not one to overlook.
    }
    if let Some(joint) = [Dash, Slash]
        .into_iter()
        .find(|joint| tokens.contains(joint))
    {
        return item(&without(joint));
    }
    if let Some(word) = [Civil, Fiscal]
        .into_iter()
        .find(|word| tokens.contains(word))
    {
        let years = if word == Civil {
            Years::Civil
        } else {
            Years::Fiscal
        };
        let said = item(&without(word))?;
        // Weeks are numbered in calendar years only.
        let is_known = word == Civil || !matches!(said, Item::Week { .. });
        return is_known.then(|| Item::Under(years, Box::new(said)));
    }
    one_day(tokens)
        .or_else(|| by_name(tokens))
        .or_else(|| by_count(tokens))
        .or_else(|| of_another(tokens))
}

/// A day that is said without the help of another expression.
fn one_day(tokens: &[Token]) -> Option<Item> {
    match *tokens {
        [Day(days)] => Some(Item::Away {
            count: days,
            unit: Unit::Day,
        }),
        [In, n, Unit(unit)] | [n, Unit(unit), From, Day(0)] => Some(Item::Away {
            count: count(n)?,
            unit,
        }),
        [n, Unit(unit), Ago] => Some(Item::Away {
            count: -count(n)?,
            unit,
        }),
        [Weekday(day)] => Some(Item::Weekday { day, week: None }),
        [Step(week), Unit(Unit::Week), Weekday(day)]
        | [Weekday(day), Step(week), Unit(Unit::Week)] => Some(Item::Weekday {
            day,
            week: Some(week),
        }),
        [Weekday(day), ref date @ ..] | [ref date @ .., Weekday(day)] => {
            let date = one_day(date).filter(Item::is_a_date)?;
            Some(Item::Dated(day, Box::new(date)))
        }
        [Ymd(year, month, day)] | [FourDigits(year), Month(month), Number(day)] => {
            on(day, month, year)
        }
        [Slashed(day, month, year)] if day > 12 || day == month => on(day, month, year),
        [Slashed(month, day, year)] if day > 12 => on(day, month, year),
        [Slashed(one, other, year)] => Some(Item::Ambiguous(one, other, year)),
        [Number(day) | Ordinal(day), Month(month), ref year @ ..]
        | [Month(month), Number(day) | Ordinal(day), ref year @ ..] => {
            let year = if year.is_empty() {
                None
            } else {
                Some(year_of(year)?)
            };
            Some(Item::On { day, month, year })
        }
        _ => None,
    }
}

/// A week, month, quarter, half or year that is called by its name or number.
fn by_name(tokens: &[Token]) -> Option<Item> {
    match tokens {
        [Unit(Unit::Week), Number(number)] | [Ordinal(number), Unit(Unit::Week)] => {
            Some(Item::Week {
                number: *number,
                year: None,
            })
        }
        [Unit(Unit::Week), Number(number), year @ ..]
        | [Ordinal(number), Unit(Unit::Week), year @ ..]
        | [year @ .., Unit(Unit::Week), Number(number)]
            if year_of(year).is_some() =>
        {
            Some(Item::Week {
                number: *number,
                year: year_of(year),
            })
        }
        [Unit(Unit::Week), day @ ..] => Some(Item::WeekOf(Box::new(one_day(day)?))),
        [Unit(Unit::Month), month @ ..] if matches!(month, [Month(_) | Ym(..), ..]) => {
            by_name(month)
        }
        [Ym(year, month)] => Some(Item::Month {
            month: *month,
            year: Some(Year::Numbered(*year)),
        }),
        [Month(month)] => Some(Item::Month {
            month: *month,
            year: None,
        }),
        [Month(month), year @ ..] | [year @ .., Month(month)] => Some(Item::Month {
            month: *month,
            year: Some(year_of(year)?),
        }),
        [Unit(unit), Number(number)] | [Ordinal(number), Unit(unit)] if *unit != Unit::Year => {
            part(*unit, *number, None)
        }
        [
            Unit(unit @ (Unit::Quarter | Unit::Half)),
            Number(number),
            year @ ..,
        ]
        | [Ordinal(number), Unit(unit), year @ ..] => {
            part(*unit, *number, Some(year_after_part(year)?))
        }
        [
            year @ ..,
            Unit(unit @ (Unit::Quarter | Unit::Half)),
            Number(number),
        ]
        | [year @ .., Ordinal(number), Unit(unit)] => part(*unit, *number, Some(year_of(year)?)),
        year => match year_of(year)? {
            Year::Numbered(number) => Some(Item::Year(number)),
            Year::Step(_) => None,
        },
    }
}

/// Units counted from today.
fn by_count(tokens: &[Token]) -> Option<Item> {
    match *tokens {
        [Ever] => Some(Item::Ever),
        [Unit(unit)] => Some(Item::Current { unit, step: 0 }),
        [Step(step), Unit(unit)] => Some(Item::Current { unit, step }),
        [Step(step), n, Unit(unit)] if step != 0 => Some(Item::Run {
            count: step * count(n)?,
            unit,
        }),
        [Trailing, Unit(unit)] => Some(Item::Trailing { count: 1, unit }),
        [Trailing, n, Unit(unit)] => Some(Item::Trailing {
            count: count(n)?,
            unit,
        }),
        _ => None,
    }
}

/// An expression that rests on another one. Each shape looks at one smaller expression only, so
/// the work stays in proportion to the length of the text.
fn of_another(tokens: &[Token]) -> Option<Item> {
    match tokens {
        [In, said @ ..] => item(said),
        [Start, said @ ..] => Some(Item::Edge(Edge::First, Box::new(item(said)?))),
        [End, said @ ..] | [said @ .., End] => Some(Item::Edge(Edge::Last, Box::new(item(said)?))),
        // "last month January", "last week 5": of what the last one, nobody could say.
        [Step(_), Unit(Unit::Month), Month(_) | Ym(..), ..]
        | [Step(_), Unit(Unit::Week), Number(_), ..] => None,
        [Step(step), said @ ..] => {
            let item = item(said).filter(Item::recurs)?;
            Some(if *step == 0 {
                item.of_now()
            } else {
                Item::Beside(*step, Box::new(item))
            })
        }
        _ => None,
    }
}

/// The year in "Q1 2026", "March '26", "FY27", "Q1 next year".
pub(super) fn year_of(tokens: &[Token]) -> Option<Year> {
    match *tokens {
        [FourDigits(year)] | [Unit(Unit::Year), FourDigits(year)] => Some(Year::Numbered(year)),
        [TwoDigits(year)] | [Unit(Unit::Year), TwoDigits(year)] => {
            Some(Year::Numbered(2000 + year))
        }
        [Unit(Unit::Year), Number(year)] => two_digits(year),
        [Unit(Unit::Year)] => Some(Year::Step(0)),
        [Step(step), Unit(Unit::Year)] => Some(Year::Step(step)),
        _ => None,
    }
}

/// After a quarter or a half two digits are a year even without an apostrophe; after a month they
/// would be a day.
fn year_after_part(tokens: &[Token]) -> Option<Year> {
    if let [Number(year)] = *tokens {
        two_digits(year)
    } else {
        year_of(tokens)
    }
}

fn two_digits(year: u32) -> Option<Year> {
    let year = i32::try_from(year)
        .ok()
        .filter(|year| (10..=99).contains(year))?;
    Some(Year::Numbered(2000 + year))
}

fn on(day: u32, month: u32, year: i32) -> Option<Item> {
    Some(Item::On {
        day,
        month,
        year: Some(Year::Numbered(year)),
    })
}

fn part(unit: Unit, number: u32, year: Option<Year>) -> Option<Item> {
    let parts = match unit {
        Unit::Quarter => 4,
        Unit::Half => 2,
        _ => return None,
    };
    let number = i32::try_from(number)
        .ok()
        .filter(|number| (1..=parts).contains(number))?;
    Some(Item::Part { unit, number, year })
}

pub(super) fn count(token: Token) -> Option<i32> {
    let count = match token {
        Number(count) => i32::try_from(count).ok()?,
        FourDigits(count) => count,
        _ => return None,
    };
    Some(count).filter(|count| *count > 0)
}

pub(super) fn day_number(tokens: &[Token]) -> Option<u32> {
    if let [Number(day) | Ordinal(day)] = *tokens {
        Some(day)
    } else {
        None
    }
}

impl Item {
    /// Whether it names one day.
    pub fn is_a_day(&self) -> bool {
        match self {
            Item::On { .. }
            | Item::Ambiguous(..)
            | Item::Away { .. }
            | Item::Weekday { .. }
            | Item::Dated(..)
            | Item::Edge(..) => true,
            Item::Beside(_, of) | Item::Under(_, of) => of.is_a_day(),
            _ => false,
        }
    }

    /// Whether it names the last day of something.
    pub fn is_an_end(&self) -> bool {
        match self {
            Item::Edge(edge, _) => *edge == Edge::Last,
            Item::Under(_, of) => of.is_an_end(),
            _ => false,
        }
    }

    /// Whether it comes round again: a month without a year, a day of the week.
    fn recurs(&self) -> bool {
        match self {
            Item::On { year, .. }
            | Item::Week { year, .. }
            | Item::Month { year, .. }
            | Item::Part { year, .. } => year.is_none(),
            Item::Weekday { week, .. } => week.is_none(),
            Item::Dated(_, of) | Item::Edge(_, of) | Item::WeekOf(of) | Item::Under(_, of) => {
                of.recurs()
            }
            _ => false,
        }
    }

    /// Whether it is a date, not a day that is counted or called in another way.
    fn is_a_date(&self) -> bool {
        matches!(self, Item::On { .. } | Item::Ambiguous(..))
    }

    /// Of something that comes round again, the one of this week or this year.
    fn of_now(mut self) -> Item {
        if let Some(year) = self.year_mut() {
            *year = Some(Year::Step(0));
        } else if let Item::Weekday { week, .. } = self.innermost() {
            *week = Some(0);
        }
        self
    }

    /// The year it lies in, said or not; `None` when it lies in no year.
    pub fn year_mut(&mut self) -> Option<&mut Option<Year>> {
        match self.innermost() {
            Item::On { year, .. }
            | Item::Week { year, .. }
            | Item::Month { year, .. }
            | Item::Part { year, .. } => Some(year),
            _ => None,
        }
    }

    /// What it is the edge, the week or the like of; itself when of nothing else.
    fn innermost(&mut self) -> &mut Item {
        match self {
            Item::Dated(_, of) | Item::Edge(_, of) | Item::WeekOf(of) | Item::Under(_, of) => {
                of.innermost()
            }
            item => item,
        }
    }
}
