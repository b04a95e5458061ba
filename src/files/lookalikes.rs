//! Names that other programs give to columns of ours. They are only ever asked about: whether
//! "Close Date" is when a deal is expected to close or when it did, only its owner knows.

use super::dialect::squeeze;

/// What others call a column, squeezed, and which of ours it may be.
const NAMES: [(&str, &[&str]); 44] = [
    ("opportunityid", &["id"]),
    ("opportunityname", &["name"]),
    ("dealid", &["id"]),
    ("dealname", &["name"]),
    ("recordid", &["id"]),
    ("title", &["name"]),
    ("account", &["customer_name"]),
    ("accountid", &["customer_id", "id"]),
    ("accountname", &["customer_name", "name"]),
    ("company", &["customer_name", "name"]),
    ("companyname", &["customer_name", "name"]),
    ("customer", &["customer_name", "name"]),
    ("customername", &["name"]),
    ("customerid", &["id"]),
    ("amount", &["estimated_value"]),
    ("value", &["estimated_value"]),
    ("dealvalue", &["estimated_value"]),
    ("dealsize", &["estimated_value"]),
    ("closedamount", &["closed_value"]),
    ("wonamount", &["closed_value"]),
    ("closedate", &["expected_close", "actual_close"]),
    ("closingdate", &["expected_close", "actual_close"]),
    ("createddate", &["identified_date"]),
    ("createdate", &["identified_date"]),
    ("createdat", &["identified_date"]),
    ("probability(%)", &["probability"]),
    ("stagename", &["stage"]),
    ("dealstage", &["stage"]),
    ("opportunitytype", &["type"]),
    ("owner", &["csm_name", "sales_rep_name"]),
    ("ownername", &["csm_name", "sales_rep_name"]),
    ("opportunityowner", &["csm_name", "sales_rep_name"]),
    ("csm", &["csm_name"]),
    ("csmid", &["id"]),
    ("csmname", &["name"]),
    ("salesrep", &["sales_rep_name"]),
    ("leadsource", &["source"]),
    ("product", &["product_line"]),
    ("exchangerate", &["rate"]),
    ("conversionrate", &["rate"]),
    ("currencycode", &["currency"]),
    ("signaltype", &["kind"]),
    ("detecteddate", &["detected_at"]),
    ("detectedon", &["detected_at"]),
];

/// Which columns of ours a foreign name may mean, of those that a file does not have.
pub(super) fn meant(name: &str, is_missing: impl Fn(&str) -> bool) -> Vec<&'static str> {
    let name = squeeze(name);
    let meant = NAMES
        .iter()
        .find(|(foreign, _)| *foreign == name)
        .map_or(&[][..], |(_, ours)| ours);
    meant
        .iter()
        .copied()
        .filter(|ours| is_missing(ours))
        .collect()
}
