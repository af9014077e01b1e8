//! A statement with its values.

use std::borrow::Cow;

use picloud::{
    AdminId, AppId, AuditId, DomainId, RequestId, RouteId, ScriptId, SessionId, Slug, store::StoreError,
};
use sqlx::{AssertSqlSafe, SqlSafeStr as _, SqlStr};
use uuid::Uuid;

/// What a parameter may be. `None` is NULL; its type is known all the same, as PostgreSQL wants it.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Number(Option<i64>),
    Flag(Option<bool>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

/// SQL text, written in this crate, and the values of its parameters.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    sql: Cow<'static, str>,
    values: Vec<Value>,
}

/// A statement: the text, then the values of `$1`, `$2`, …
macro_rules! statement {
    ($sql:expr $(, $value:expr)* $(,)?) => {
        $crate::sql::Statement::new($sql, vec![$($crate::sql::Value::from($value)),*])
    };
}
pub(crate) use statement;

impl Statement {
    pub(crate) fn new(sql: impl Into<Cow<'static, str>>, values: Vec<Value>) -> Self {
        Self { sql: sql.into(), values }
    }

    /// The text for the driver. It never holds anything but text of this crate: values are parameters.
    fn text(sql: Cow<'static, str>) -> SqlStr {
        match sql {
            Cow::Borrowed(sql) => sql.into_sql_str(),
            Cow::Owned(sql) => AssertSqlSafe(sql).into_sql_str(),
        }
    }

    /// Whether a text holds a NUL character. PostgreSQL cannot keep one, so that no database ever does.
    pub(crate) fn has_nul(&self) -> bool {
        self.values.iter().any(|value| matches!(value, Value::Text(Some(text)) if text.contains('\0')))
    }
}

/// Makes a driver's query of a statement.
macro_rules! query {
    ($name:ident, $database:ty, $feature:literal) => {
        #[cfg(feature = $feature)]
        impl Statement {
            pub(crate) fn $name(
                self,
            ) -> Result<
                sqlx::query::Query<'static, $database, <$database as sqlx::Database>::Arguments>,
                StoreError,
            > {
                if self.has_nul() {
                    return Err(StoreError::Corrupt("a text with a NUL character".to_owned()));
                }
                // Texts that are made at run time are many: they are not kept prepared.
                let fixed = matches!(self.sql, Cow::Borrowed(_));
                let query = sqlx::query(Self::text(self.sql)).persistent(fixed);
                Ok(self.values.into_iter().fold(query, |query, value| match value {
                    Value::Number(value) => query.bind(value),
                    Value::Flag(value) => query.bind(value),
                    Value::Text(value) => query.bind(value),
                    Value::Bytes(value) => query.bind(value),
                }))
            }
        }
    };
}
query!(for_sqlite, sqlx::Sqlite, "sqlite");
query!(for_postgres, sqlx::Postgres, "postgres");

/// `($1, $2), ($3, $4)`: the parameters of `rows` rows with `columns` columns each.
pub(crate) fn placeholders(rows: usize, columns: usize) -> String {
    let row = |row: usize| {
        let numbers: Vec<_> = (1..=columns).map(|column| format!("${}", row * columns + column)).collect();
        format!("({})", numbers.join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

macro_rules! from {
    ($variant:ident: $($from:ty => |$value:ident| $to:expr),* $(,)?) => {$(
        impl From<$from> for Value {
            fn from($value: $from) -> Self {
                Self::$variant(Some($to))
            }
        }

        impl From<Option<$from>> for Value {
            fn from(value: Option<$from>) -> Self {
                Self::$variant(value.map(|$value| $to))
            }
        }
    )*};
}

from!(Number:
    i64 => |n| n,
    u16 => |n| i64::from(n),
    // What is beyond cannot be kept: neither database has more than 63 bits for a count.
    u64 => |n| i64::try_from(n).unwrap_or(i64::MAX),
    usize => |n| i64::try_from(n).unwrap_or(i64::MAX),
);
from!(Flag: bool => |flag| flag);
from!(Text: String => |text| text, &str => |text| text.to_owned(), Slug => |slug| String::from(slug));
from!(Bytes:
    Vec<u8> => |bytes| bytes,
    [u8; 32] => |hash| hash.to_vec(),
    AppId => |id| bytes(id), DomainId => |id| bytes(id), ScriptId => |id| bytes(id), RouteId => |id| bytes(id),
    AdminId => |id| bytes(id), SessionId => |id| bytes(id), AuditId => |id| bytes(id), RequestId => |id| bytes(id),
);

fn bytes(id: impl Into<Uuid>) -> Vec<u8> {
    id.into().as_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_count_through_all_rows() {
        assert_eq!(placeholders(1, 1), "($1)");
        assert_eq!(placeholders(2, 3), "($1, $2, $3), ($4, $5, $6)");
    }

    #[test]
    fn numbers_beyond_63_bits_are_the_greatest_there_is() {
        assert!(matches!(Value::from(u64::MAX), Value::Number(Some(i64::MAX))));
        assert!(matches!(Value::from(None::<u64>), Value::Number(None)));
    }

    #[test]
    fn a_nul_character_is_refused() {
        assert!(!statement!("SELECT $1, $2", "a", 1_i64).has_nul());
        assert!(statement!("SELECT $1, $2", 1_i64, "a\0b").has_nul());
    }
}
