//! The statements of a question that both tiers answer.

use super::templates::queries;
use thermocline_database::Statement;

/// A question to both tiers, a statement for each.
#[derive(Debug)]
pub struct JointStatements {
    pub(crate) hot: Statement,
    pub(crate) cold: Statement,
}

impl JointStatements {
    /// Returns the statements of a question about a resource with this number of parameters.
    ///
    /// Each record of `hot` begins with the archive state of the resource. `cold` has `{proof}`, whose columns are in each
    /// record too; epoch and token follow the parameters of the question.
    pub fn new(resource: &str, hot: &Statement, cold: &Statement, parameters: usize) -> Self {
        let values = [
            ("proof", queries::proof().into()),
            ("resource", resource.into()),
            ("epoch", format!("${}", parameters + 1).into()),
            ("token", format!("${}", parameters + 2).into()),
        ];
        let cold = cold.assemble(cold.name, resource, &values);
        Self { hot: *hot, cold }
    }

    /// Returns both.
    pub const fn all(&self) -> [&Statement; 2] {
        [&self.hot, &self.cold]
    }
}
