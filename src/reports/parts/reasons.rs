//! Why a figure is not there, in words for people. The structured answer has the word for programs.

/// What a reason means; without its underscores when nothing else is known of it.
pub fn spoken(reason: &str) -> String {
    let words = match reason {
        "not_recorded" => "what was known then is not on record",
        "none_due" => "nothing was due",
        "period_not_begun" => "the period has not begun",
        "no_closed_deals" => "no deal closed",
        "no_won_deals" => "no deal was won",
        "no_cycle" => "no sales cycle is known",
        "open_deals_have_not_closed" => "open deals have not closed in any",
        "no_target" => "none is set",
        "filtered" => "none is kept for these filters",
        "incomplete_target" => "some months have none",
        "partial_months" => "the period is not of whole months",
        other => return other.replace('_', " "),
    };
    words.to_owned()
}
