//! The words of the trade that have fixed lists: stages, types of expansion, forecast categories.
//! What follows from them (defaults, order, openness) is here; how deals move is `actions`.

use super::money::BasisPoints;

macro_rules! words {
    ($(#[$doc:meta])+ $name:ident { $($(#[$vdoc:meta])+ $variant:ident = $code:literal $word:literal),+ $(,)? }) => {
        $(#[$doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name { $($(#[$vdoc])+ $variant = $code),+ }

        impl $name {
            /// All of them, in order.
            pub const ALL: [$name; { [$($code),+].len() }] = [$($name::$variant),+];

            /// The words callers use, with what each means.
            pub const WORDS: [(&'static str, $name); { [$($code),+].len() }] = [$(($word, $name::$variant)),+];

            /// The word for it in requests, answers and files.
            pub const fn word(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }

            /// The small number it is stored as.
            pub const fn code(self) -> u8 {
                self as u8
            }

            /// What a stored number stands for.
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some($name::$variant),)+ _ => None }
            }
        }
    };
}

words! {
    /// Where an opportunity stands (DEFINITIONS section 2).
    Stage {
        /// A signal was detected; not yet discussed.
        Identified = 0 "identified",
        /// The customer confirmed interest.
        Qualified = 1 "qualified",
        /// A formal proposal was sent.
        Proposal = 2 "proposal",
        /// Pricing or terms are under discussion.
        Negotiation = 3 "negotiation",
        /// The contract is signed.
        ClosedWon = 4 "closed_won",
        /// The customer declined.
        ClosedLost = 5 "closed_lost",
    }
}

words! {
    /// What kind of expansion it is.
    ExpansionType {
        /// More of the same product.
        Upsell = 0 "upsell",
        /// Another product.
        CrossSell = 1 "cross_sell",
        /// An extra to a product.
        AddOn = 2 "add_on",
        /// More seats.
        SeatExpansion = 3 "seat_expansion",
        /// A higher tier.
        TierUpgrade = 4 "tier_upgrade",
    }
}

words! {
    /// How a deal enters a forecast (DEFINITIONS section 5).
    Category {
        /// Counted in upside and weighted only.
        Pipeline = 0 "pipeline",
        /// Counted in best case.
        BestCase = 1 "best_case",
        /// Counted in commit.
        Commit = 2 "commit",
        /// Won.
        Closed = 3 "closed",
        /// In no measure at all.
        Omitted = 4 "omitted",
    }
}

impl ExpansionType {
    /// What people also say for a type. "Expansion" is not among them: it could be any.
    pub const SPOKEN: [(&'static str, ExpansionType); 4] = [
        ("x_sell", ExpansionType::CrossSell),
        ("seat", ExpansionType::SeatExpansion),
        ("tier", ExpansionType::TierUpgrade),
        ("upgrade", ExpansionType::TierUpgrade),
    ];
}

/// The number of open stages.
pub const OPEN_STAGES: usize = 4;

impl Stage {
    /// The four open stages, in order.
    pub const OPEN: [Stage; OPEN_STAGES] = [
        Stage::Identified,
        Stage::Qualified,
        Stage::Proposal,
        Stage::Negotiation,
    ];

    /// The words callers use for a stage, "won" and "lost" among them.
    pub const SPOKEN: [(&'static str, Stage); 8] = [
        (Stage::Identified.word(), Stage::Identified),
        (Stage::Qualified.word(), Stage::Qualified),
        (Stage::Proposal.word(), Stage::Proposal),
        (Stage::Negotiation.word(), Stage::Negotiation),
        (Stage::ClosedWon.word(), Stage::ClosedWon),
        (Stage::ClosedLost.word(), Stage::ClosedLost),
        ("won", Stage::ClosedWon),
        ("lost", Stage::ClosedLost),
    ];

    /// Whether a deal in it is still open.
    pub const fn is_open(self) -> bool {
        (self as u8) < OPEN_STAGES as u8
    }

    /// The probability of the stage unless the organisation set another.
    pub const fn default_probability(self) -> BasisPoints {
        match self {
            Stage::Identified => 1_000,
            Stage::Qualified => 4_000,
            Stage::Proposal => 6_000,
            Stage::Negotiation => 8_000,
            Stage::ClosedWon => 10_000,
            Stage::ClosedLost => 0,
        }
    }

    /// The forecast category of the stage unless the organisation set another.
    pub const fn default_category(self) -> Category {
        match self {
            Stage::Identified | Stage::Qualified => Category::Pipeline,
            Stage::Proposal => Category::BestCase,
            Stage::Negotiation => Category::Commit,
            Stage::ClosedWon => Category::Closed,
            Stage::ClosedLost => Category::Omitted,
        }
    }

    /// The bit that stands for it in a set of stages.
    pub const fn bit(self) -> u8 {
        1 << (self as u8)
    }
}

/// The bits of the four open stages.
pub const OPEN_BITS: u8 = 0b1111;

/// The bits of both closed stages.
pub const CLOSED_BITS: u8 = 0b11_0000;

/// The reasons a loss may be given, unless the organisation lists others (DEFINITIONS section 2).
pub const LOST_REASONS: [&str; 8] = [
    "budget",
    "competitor",
    "no_decision",
    "timing",
    "product_gap",
    "champion_left",
    "price",
    "other",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_a_stage_is_spoken_and_won_and_lost_besides() {
        assert!(Stage::SPOKEN.starts_with(&Stage::WORDS));
        assert!(Stage::SPOKEN.ends_with(&[("won", Stage::ClosedWon), ("lost", Stage::ClosedLost)]));
        for (word, stage) in Stage::SPOKEN {
            assert!(
                super::super::filter::STAGE_WORDS.contains(&(word, stage.bit())),
                "{word}"
            );
        }
    }
}
