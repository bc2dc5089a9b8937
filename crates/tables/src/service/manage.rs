//! Listing, dropping and renaming tables.

use catalog::CatalogError;
use catalog::table::TableQuery;
use store::Scope;

use super::{Found, Gathering, Identifier, Names, Tables, from_catalog, not_found};
use crate::error::TablesError;
use crate::glue::is_iceberg;

impl Tables {
    /// The Iceberg tables of a namespace, by name; all of them without a `limit`.
    /// Errors: `NamespaceNotFound`, `Catalog(InvalidToken)`.
    pub async fn list(
        &self,
        scope: &Scope,
        namespace: &str,
        token: Option<&str>,
        limit: Option<usize>,
    ) -> Result<Names, TablesError> {
        let mut tx = self.store.read().await?;
        let mut gathering = Gathering::new(token, limit);
        while let Some(limit) = gathering.wanted() {
            let query = TableQuery { token: gathering.token(), limit, ..TableQuery::default() };
            let page = catalog::table::list(&mut tx, scope, namespace, &query).await.map_err(from_catalog)?;
            gathering.add(page.items.into_iter().filter(is_iceberg).map(|table| table.name), page.next);
        }
        Ok(gathering.found)
    }

    /// Whether there is such an Iceberg table.
    /// Errors: `NamespaceNotFound`, `TableNotFound`.
    pub async fn check_exists(&self, scope: &Scope, table: &Identifier) -> Result<(), TablesError> {
        let mut tx = self.store.read().await?;
        match self.find(&mut tx, scope, table).await? {
            Found::Iceberg(_) => Ok(()),
            Found::Nothing => Err(not_found(table, false)),
            Found::OtherKind => Err(not_found(table, true)),
        }
    }

    /// Takes a table out of the catalog; its files stay.
    /// Errors: `NamespaceNotFound`, `TableNotFound`, `Unsupported` when the files are to go too.
    pub async fn drop_table(
        &self,
        scope: &Scope,
        table: &Identifier,
        purge: bool,
    ) -> Result<(), TablesError> {
        let mut tx = self.store.begin().await?;
        match self.find(&mut tx, scope, table).await? {
            Found::Iceberg(_) if purge => {
                let what =
                    "Dropping a table with purge is not built: drop it without, then delete its files.";
                return Err(TablesError::Unsupported { what: what.to_owned() });
            }
            Found::Iceberg(_) => {}
            Found::Nothing => return Err(not_found(table, false)),
            Found::OtherKind => return Err(not_found(table, true)),
        }
        let dropped = catalog::table::delete(&mut tx, scope, &table.namespace, &table.name).await;
        dropped.map_err(from_catalog)?;
        tx.commit().await?;
        Ok(())
    }

    /// Renames a table, also into another namespace; its files stay where they are.
    /// Errors: `NamespaceNotFound`, `TableNotFound`, `TableExists`.
    pub async fn rename(&self, scope: &Scope, from: &Identifier, to: &Identifier) -> Result<(), TablesError> {
        let mut tx = self.store.begin().await?;
        match self.find(&mut tx, scope, from).await? {
            Found::Iceberg(_) => {}
            Found::Nothing => return Err(not_found(from, false)),
            Found::OtherKind => return Err(not_found(from, true)),
        }
        let (from, new) =
            ((from.namespace.as_str(), from.name.as_str()), (to.namespace.as_str(), to.name.as_str()));
        match catalog::table::rename(&mut tx, scope, from, new).await {
            Ok(_) => {}
            Err(CatalogError::TableExists { .. }) => {
                let Identifier { namespace, name } = to.clone();
                return Err(TablesError::TableExists { namespace, table: name });
            }
            Err(error) => return Err(from_catalog(error)),
        }
        tx.commit().await?;
        Ok(())
    }
}
