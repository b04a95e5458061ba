//! What deals in other currencies come to in the organisation's (DEFINITIONS section 1, "Currency"):
//! by which day's rate each is converted, and their own amounts beside it. Every report then adds up
//! what stands in [`Deal`], whatever the currency.

use std::borrow::Cow;
use std::sync::Arc;

use super::change::Day;
use super::deal::{Deal, place_of};
use super::fold::Folded;
use super::money::Currency;
use super::portfolio::{Found, Portfolio};
use super::rates::{Rate, Rates};
use super::reference::Reference;
use super::texts::{NONE, Text};

/// By the rates of which day deals are converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Won and lost deals by that of their close, open ones by that of this day.
    Close(Day),
    /// All of them by that of this day: one measure for both ends of a waterfall.
    Day(Day),
}

impl Default for By {
    fn default() -> Self {
        By::LATEST
    }
}

impl By {
    /// The present: open deals by the latest rate on record.
    pub const LATEST: By = By::Close(Day::MAX);

    /// The day of open deals for all of them.
    pub const fn throughout(self) -> By {
        match self {
            By::Close(day) | By::Day(day) => By::Day(day),
        }
    }

    /// The day whose rate a deal is converted by.
    pub fn day(self, deal: &Deal) -> Day {
        match self {
            By::Close(_) if !deal.is_open() => deal.close,
            By::Close(day) | By::Day(day) => day,
        }
    }
}

/// What a deal in another currency comes to in its own: kept beside the deals, because there are few.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Own {
    /// The deal's place in its chunk.
    pub place: u16,
    /// The code of its currency (text).
    pub currency: Text,
    /// Its value, in minor units of it.
    pub value: i64,
    /// Its last estimate, in minor units of it.
    pub estimate: i64,
}

impl Own {
    /// The amounts of a deal that was just folded; `None` when they are in the organisation's currency.
    pub fn of(folded: &Folded) -> Option<Own> {
        let (deal, currency) = (&folded.deal, folded.detail.currency);
        (currency != NONE).then(|| Own {
            place: place_of(deal.number),
            currency,
            value: deal.value,
            estimate: deal.estimate,
        })
    }
}

/// How deals in other currencies are converted.
#[derive(Debug, Clone, Copy)]
pub struct Pricing<'a> {
    rates: &'a Rates,
    currency: Currency,
    by: By,
}

impl<'a> Pricing<'a> {
    /// By the rates and into the currency of an organisation.
    pub fn of(reference: &'a Reference, by: By) -> Pricing<'a> {
        Pricing {
            rates: &reference.rates,
            currency: reference.settings.currency,
            by,
        }
    }

    /// Converts a deal that was just folded, and says what it comes to in its own currency.
    pub fn settle(&self, folded: &mut Folded) -> Option<Own> {
        let own = Own::of(folded)?;
        self.price(&mut folded.deal, &own);
        Some(own)
    }

    /// Gives a deal the amounts that its own come to; one without a rate keeps its own and is
    /// [`Deal::foreign`], which keeps it out of every sum.
    pub fn price(&self, deal: &mut Deal, own: &Own) {
        let day = self.by.day(deal);
        let converted = |amount| self.convert(amount, own.currency, day);
        let both = converted(own.value).zip(converted(own.estimate));
        deal.foreign = both.is_none();
        (deal.value, deal.estimate) = both.unwrap_or((own.value, own.estimate));
    }

    /// An amount in minor units of a currency by the rate of a day.
    pub fn convert(&self, amount: i64, currency: Text, day: Day) -> Option<i64> {
        let (_, (from, rate)) = self.rates.find(currency, day)?;
        rate.convert(amount, *from, self.currency)
    }
}

impl Found<'_> {
    /// Its value in its own currency, in minor units of it.
    pub fn own_value(&self) -> i64 {
        let own = self.chunk.own(place_of(self.deal.number));
        own.map_or(self.deal.value, |own| own.value)
    }

    /// Its last estimate in its own currency, in minor units of it.
    pub fn own_estimate(&self) -> i64 {
        let own = self.chunk.own(place_of(self.deal.number));
        own.map_or(self.deal.estimate, |own| own.estimate)
    }
}

impl Portfolio {
    /// Whether any deal is in another currency than the organisation's.
    pub fn has_other_currencies(&self) -> bool {
        self.chunks().any(|chunk| !chunk.all_own().is_empty())
    }

    /// Whether all deals are converted by the rates of one day, closed ones too.
    pub fn is_priced_throughout(&self) -> bool {
        matches!(self.by, By::Day(_))
    }

    /// The rate a deal in another currency is converted by, and the day from which it holds.
    pub fn rate_of(&self, deal: &Deal) -> Option<(Day, Rate)> {
        let currency = self.detail(deal)?.currency;
        self.reference.rates.on(currency, self.by.day(deal))
    }

    /// The same deals, those in other currencies converted by the rates of another portfolio and of
    /// other days than usual.
    pub fn priced(&self, like: &Portfolio, by: By) -> Cow<'_, Portfolio> {
        if !self.has_other_currencies() {
            return Cow::Borrowed(self);
        }
        let mut priced = self.clone();
        priced.reference.rates = Arc::clone(&like.reference.rates);
        priced.by = by;
        priced.reprice();
        Cow::Owned(priced)
    }

    /// The same deals as a look at the rates on a day would have them: those of later days are not
    /// known yet.
    pub fn priced_on(&self, today: Day) -> Cow<'_, Portfolio> {
        if self.reference.rates.reach_beyond(today) {
            self.priced(self, By::Close(today))
        } else {
            Cow::Borrowed(self)
        }
    }

    /// Converts the deals in other currencies anew.
    pub(super) fn reprice(&mut self) {
        let pricing = Pricing::of(&self.reference, self.by);
        let chunks = self.chunks.iter_mut();
        for chunk in chunks.filter(|chunk| !chunk.all_own().is_empty()) {
            Arc::make_mut(chunk).reprice(pricing);
        }
    }
}
