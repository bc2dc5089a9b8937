//! What is said about the catalog and its tables rather than in them: resource policies, encryption settings, the state of
//! the import, table optimizers. Policies and optimizers are kept and returned; nothing here enforces or runs them.

mod optimizers;
mod policies;
mod settings;

use store::{Store, Tx};
use wire::{Fault, Fields, Operation, Service};

use super::errors;

/// What the handlers work on.
pub struct Governance {
    store: Store,
}

/// Makes the face.
pub fn face(store: Store) -> Service<Governance> {
    Service { model: "glue", state: Governance { store }, operations: OPERATIONS }
}

impl Governance {
    async fn read(&self) -> Result<Tx, Fault> {
        self.store.read().await.map_err(|error| errors::store(&error))
    }

    async fn begin(&self) -> Result<Tx, Fault> {
        self.store.begin().await.map_err(|error| errors::store(&error))
    }
}

const KMS: &str = "encryption by KMS keys is not built; only DISABLED and false can be kept";
const ONE_PAGE: &str = "there are never any runs, so the answer is one empty page";

macro_rules! operation {
    ($name:literal, $run:path, [$($acts:literal),*], [$($refused:expr),*], [$($ignored:expr),*]) => {
        Operation {
            name: $name,
            fields: Fields { acts: &[$($acts),*], refused: &[$($refused),*], ignored: &[$($ignored),*] },
            run: |state, call| Box::pin($run(state, call)),
        }
    };
}

const OPERATIONS: &[Operation<Governance>] = &[
    operation!(
        "PutResourcePolicy",
        policies::put,
        ["ResourceArn", "PolicyHashCondition", "PolicyExistsCondition"],
        [],
        [("EnableHybrid", "there are no grants of Lake Formation that a policy could be used beside")]
    ),
    operation!("GetResourcePolicy", policies::get, ["ResourceArn"], [], []),
    operation!("GetResourcePolicies", policies::list, ["NextToken", "MaxResults"], [], []),
    operation!("DeleteResourcePolicy", policies::delete, ["PolicyHashCondition", "ResourceArn"], [], []),
    operation!("GetDataCatalogEncryptionSettings", settings::get_encryption, ["CatalogId"], [], []),
    operation!(
        "PutDataCatalogEncryptionSettings",
        settings::put_encryption,
        [
            "CatalogId",
            "DataCatalogEncryptionSettings.EncryptionAtRest.CatalogEncryptionMode",
            "DataCatalogEncryptionSettings.ConnectionPasswordEncryption.ReturnConnectionPasswordEncrypted"
        ],
        [
            ("DataCatalogEncryptionSettings.EncryptionAtRest.SseAwsKmsKeyId", KMS),
            ("DataCatalogEncryptionSettings.EncryptionAtRest.CatalogEncryptionServiceRole", KMS),
            ("DataCatalogEncryptionSettings.ConnectionPasswordEncryption.AwsKmsKeyId", KMS)
        ],
        []
    ),
    operation!("GetCatalogImportStatus", settings::import_status, ["CatalogId"], [], []),
    operation!("ImportCatalogToGlue", settings::import, ["CatalogId"], [], []),
    operation!(
        "CreateTableOptimizer",
        optimizers::create,
        ["CatalogId", "DatabaseName", "TableName", "Type"],
        [],
        []
    ),
    operation!(
        "GetTableOptimizer",
        optimizers::get,
        ["CatalogId", "DatabaseName", "TableName", "Type"],
        [],
        []
    ),
    operation!("BatchGetTableOptimizer", optimizers::batch_get, ["Entries"], [], []),
    operation!(
        "UpdateTableOptimizer",
        optimizers::update,
        ["CatalogId", "DatabaseName", "TableName", "Type"],
        [],
        []
    ),
    operation!(
        "DeleteTableOptimizer",
        optimizers::delete,
        ["CatalogId", "DatabaseName", "TableName", "Type"],
        [],
        []
    ),
    operation!(
        "ListTableOptimizerRuns",
        optimizers::runs,
        ["CatalogId", "DatabaseName", "TableName", "Type"],
        [],
        [("MaxResults", ONE_PAGE), ("NextToken", ONE_PAGE)]
    ),
];
