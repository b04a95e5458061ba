//! Customers and people, and rows about nobody.

use super::*;

#[test]
fn people_and_customers_are_found_by_id_and_else_by_name() {
    let csms = "id,name,manager,region\nS-1,Ava Stone,Kim,West\n";
    let columns = "stage,customer_name,csm_name,sales_rep_name";
    let opportunities = row(columns, "proposal,Globex,ava stone,Nina");
    let mut office = Office::of(&[("csms", csms), ("opportunities", &opportunities)]);
    let deal = office.deal("A");
    let portfolio = &office.portfolio;
    assert_eq!(
        (
            portfolio.person_name(deal.csm),
            portfolio.person_name(deal.sales_rep)
        ),
        ("Ava Stone", "Nina")
    );
    assert_eq!(portfolio.person_by_id("Nina"), Some(deal.sales_rep));
    assert_eq!(portfolio.customer_name(deal.customer), "Globex");
    assert_eq!(portfolio.reference().people.len(), 2);
    assert!(
        office
            .import(&[("opportunities", &opportunities)])
            .planned
            .batch
            .is_empty()
    );
    let moved = office.import(&[("csms", "id,name,manager,region\nS-1,Ava Stone,Lee,\n")]);
    assert_eq!(
        (
            moved.summary.people.changed,
            moved.planned.batch.changes.len()
        ),
        (1, 2)
    );
    let person = office
        .portfolio
        .person(office.portfolio.person_by_id("S-1").unwrap())
        .unwrap();
    assert_eq!(office.portfolio.text(person.manager), "Lee");
}

#[test]
fn a_name_that_several_answer_to_is_rejected() {
    let csms = "id,name\nS-1,Sam Hill\nS-2,Sam Hill\n";
    let office = Office::new();
    let history = "opportunity_id,from_stage,to_stage,at\nA,,identified,2025-12-01\n";
    let import = office.plan(&named(&[
        ("csms", csms),
        ("opportunities", &row("stage,csm_name", "proposal,Sam Hill")),
        ("stage_history", history),
    ]));
    let rejected: Vec<_> = import
        .rejections
        .iter()
        .map(|row| (row.file.as_str(), row.line, row.column.as_str()))
        .collect();
    assert_eq!(
        rejected,
        [
            ("opportunities.csv", 2, "csm_name"),
            ("stage_history.csv", 2, "opportunity_id")
        ]
    );
    assert_eq!(
        (import.summary.rejected, import.planned.batch.deals.len()),
        (2, 0)
    );
}

#[test]
fn histories_of_nobody_are_rejected() {
    let office = Office::new();
    let import = office.plan(&named(&[
        ("opportunities", "id,type,stage,estimated_value,currency\nA,upsell,proposal,x,\nB,upsell,proposal,1,JPY\n"),
        ("stage_history", "opportunity_id,from_stage,to_stage,at\nA,,identified,2025-12-01\nC,,identified,2025-12-01\n"),
        ("field_history", "opportunity_id,field,from,to,at\nB,estimated_value,1.50,2,2025-12-01\nC,name,a,b,2025-12-01\n"),
    ]));
    let reasons: Vec<_> = import
        .rejections
        .iter()
        .map(|row| (row.line, row.reason.as_str()))
        .collect();
    assert_eq!(
        reasons,
        [
            (
                2,
                "\"x\" is not an amount; write it in digits, such as 1234.50"
            ),
            (2, "the row of this opportunity was rejected"),
            (3, "no opportunity on record has this id"),
            (2, "JPY has no decimals"),
            (3, "no opportunity on record has this id"),
        ]
    );
}

#[test]
fn customers_carry_what_their_file_says() {
    let mut office = Office::new();
    office.import_folder("small/names");
    let portfolio = &office.portfolio;
    let acme = portfolio
        .customer(portfolio.customer_by_id("C-1").unwrap())
        .unwrap();
    assert_eq!(
        (acme.arr, acme.health_score, portfolio.text(acme.segment)),
        (Some(30_000_000), Some(8_000), "Enterprise")
    );
    assert_eq!(portfolio.person_name(acme.csm), "Sam Rivera");
    let region = portfolio.texts().find("region").unwrap();
    assert!(portfolio.attribute_names().contains(&region));
    let changed = office.import(&[(
        "customers",
        "id,name,arr\nC-1,Acme Corp,310000\nC-2,Acme Labs Inc.,\n",
    )]);
    assert_eq!(
        (
            changed.summary.customers.changed,
            changed.summary.customers.unchanged
        ),
        (2, 0)
    );
    let cleared = office
        .portfolio
        .customer(office.portfolio.customer_by_id("C-2").unwrap())
        .unwrap();
    assert_eq!(cleared.arr, None);
}
