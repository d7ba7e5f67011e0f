//! Types that exist only in the description of the API: the values of parameters and members that the code keeps as text.

use utoipa::ToSchema;

/// A database.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum TierName {
    Hot,
    Cold,
}

/// Whether to count the whole list.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum CountMode {
    Exact,
    None,
}

/// Whether an answer without the rows of an unreachable archive is welcome.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum PartialMode {
    Allow,
}

/// The order of rows by date.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum SortOrder {
    Desc,
    Asc,
}

/// The order of conversations.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum ConversationOrder {
    Activity,
    Begun,
}

/// The format of prices for which an operation is described; each other format has an operation of its own.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum PriceFormat {
    Json,
}
