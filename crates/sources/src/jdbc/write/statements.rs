//! The statements of staging and landing.

use super::super::Engine;
use super::super::select::quoted;
use super::Landing;

pub(super) const BEGIN: &str = "START TRANSACTION";

/// Strict about values, and sure of how the texts that follow are read.
pub(super) fn session(engine: Engine) -> &'static [&'static str] {
    match engine {
        Engine::Postgres => &[
            "SET client_encoding = 'UTF8'",
            "SET TIME ZONE 'UTC'",
            "SET datestyle = 'ISO'",
            "SET standard_conforming_strings = on",
            "SET lock_timeout = '60s'",
            // A statement whose client is gone does not go on; servers before 14 see that when they answer.
            "SELECT set_config('client_connection_check_interval', '2s', false) \
             WHERE current_setting('server_version_num')::int >= 140000",
        ],
        // A zero and an empty value are written as such, also where the column would number itself.
        Engine::MySql => &[
            "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES,NO_AUTO_VALUE_ON_ZERO,NO_ZERO_DATE,\
             NO_ZERO_IN_DATE,NO_ENGINE_SUBSTITUTION'",
            "SET time_zone = '+00:00'",
            "SET SESSION innodb_lock_wait_timeout = 60",
            "SET SESSION lock_wait_timeout = 60",
        ],
    }
}

fn place(engine: Engine, landing: &Landing, table: &str) -> String {
    format!("{}.{}", quoted(engine, &landing.schema), quoted(engine, table))
}

fn names(engine: Engine, landing: &Landing) -> String {
    let names: Vec<String> = landing.columns.iter().map(|column| quoted(engine, &column.name)).collect();
    names.join(", ")
}

/// A table of the landing's columns, all of which may be NULL.
pub(super) fn create(engine: Engine, landing: &Landing, table: &str) -> String {
    let column = |name: &str, native: &str| format!("{} {native} NULL", quoted(engine, name));
    let columns: Vec<String> =
        landing.columns.iter().map(|own| column(&own.name, &own.native_type)).collect();
    let options = match engine {
        Engine::Postgres => "",
        Engine::MySql => " ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4",
    };
    format!("CREATE TABLE {} ({}){options}", place(engine, landing, table), columns.join(", "))
}

pub(super) fn stage(engine: Engine, landing: &Landing) -> Vec<String> {
    let staging = place(engine, landing, &landing.staging);
    let create_staging = create(engine, landing, &landing.staging);
    match engine {
        Engine::Postgres => {
            vec![BEGIN.to_owned(), format!("DROP TABLE IF EXISTS {staging}"), create_staging]
        }
        Engine::MySql => {
            let mark = place(engine, landing, &landing.mark());
            let mut statements: Vec<String> =
                landing.creates.then(|| create(engine, landing, &landing.table)).into_iter().collect();
            statements.extend([
                format!("DROP TABLE IF EXISTS {staging}, {mark}"),
                create_staging,
                format!("CREATE TABLE {mark} (waits INT NOT NULL) ENGINE = InnoDB"),
                BEGIN.to_owned(),
                format!("INSERT INTO {mark} VALUES (1)"),
            ]);
            statements
        }
    }
}

/// What lines of rows are given to.
pub(super) fn fill(engine: Engine, landing: &Landing) -> String {
    let (staging, names) = (place(engine, landing, &landing.staging), names(engine, landing));
    match engine {
        Engine::Postgres => format!("COPY {staging} ({names}) FROM STDIN"),
        Engine::MySql => format!("INSERT INTO {staging} ({names}) VALUES "),
    }
}

/// Waits for whoever lands the same rows, and fails or changes nothing when they have landed.
pub(super) fn take_mark(engine: Engine, landing: &Landing) -> String {
    match engine {
        Engine::Postgres => {
            format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", place(engine, landing, &landing.staging))
        }
        Engine::MySql => format!("DELETE FROM {}", place(engine, landing, &landing.mark())),
    }
}

/// What makes sure that the table stays as it is, and what moves the rows.
pub(super) fn land(engine: Engine, landing: &Landing) -> (Vec<String>, Vec<String>) {
    let (target, staging) =
        (place(engine, landing, &landing.table), place(engine, landing, &landing.staging));
    let names = names(engine, landing);
    let insert = format!("INSERT INTO {target} ({names}) SELECT {names} FROM {staging}");
    match engine {
        // No constraint is put off to the commit, which comes after the decision.
        Engine::Postgres => {
            let before = match landing.creates {
                true => create(engine, landing, &landing.table),
                false => format!("LOCK TABLE {target} IN ROW EXCLUSIVE MODE"),
            };
            (
                vec![before],
                vec![insert, "SET CONSTRAINTS ALL IMMEDIATE".to_owned(), format!("DROP TABLE {staging}")],
            )
        }
        // A table that a transaction has looked into is not altered before it ends.
        Engine::MySql => (vec![format!("SELECT 1 FROM {target} LIMIT 0")], vec![insert]),
    }
}

pub(super) fn discard(engine: Engine, landing: &Landing) -> Vec<String> {
    let staging = place(engine, landing, &landing.staging);
    let all = match engine {
        Engine::Postgres => staging,
        Engine::MySql => format!("{staging}, {}", place(engine, landing, &landing.mark())),
    };
    vec![format!("DROP TABLE IF EXISTS {all}")]
}

#[cfg(test)]
mod tests {
    use super::super::Landed;
    use super::*;

    fn landing(creates: bool) -> Landing {
        let column =
            |name: &str, native: &str| Landed { name: name.to_owned(), native_type: native.to_owned() };
        Landing {
            schema: "s".to_owned(),
            table: "t\"`".to_owned(),
            staging: "_tenon_1".to_owned(),
            columns: vec![column("a", "integer"), column("b\"`", "text")],
            creates,
        }
    }

    #[test]
    fn what_says_that_rows_wait_goes_with_the_rows() {
        let (before, after) = land(Engine::Postgres, &landing(false));
        assert_eq!(before, ["LOCK TABLE \"s\".\"t\"\"`\" IN ROW EXCLUSIVE MODE"]);
        assert_eq!(
            after,
            [
                "INSERT INTO \"s\".\"t\"\"`\" (\"a\", \"b\"\"`\") SELECT \"a\", \"b\"\"`\" FROM \"s\".\"_tenon_1\"",
                "SET CONSTRAINTS ALL IMMEDIATE",
                "DROP TABLE \"s\".\"_tenon_1\""
            ]
        );
        assert_eq!(take_mark(Engine::MySql, &landing(false)), "DELETE FROM `s`.`_tenon_1m`");
        assert!(!stage(Engine::MySql, &landing(false)).iter().any(|sql| sql.contains("t\"``")));
    }

    #[test]
    fn a_missing_table_is_made_with_the_rows_or_where_that_cannot_be_before_them() {
        let (before, _) = land(Engine::Postgres, &landing(true));
        assert_eq!(before, ["CREATE TABLE \"s\".\"t\"\"`\" (\"a\" integer NULL, \"b\"\"`\" text NULL)"]);
        let staged = stage(Engine::MySql, &landing(true));
        assert_eq!(
            staged[0],
            "CREATE TABLE `s`.`t\"``` (`a` integer NULL, `b\"``` text NULL) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4"
        );
        assert!(
            staged.iter().position(|sql| sql == BEGIN).unwrap() > 1,
            "tables first, they end transactions"
        );
    }
}
