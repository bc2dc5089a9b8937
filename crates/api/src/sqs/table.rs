//! The operation table.

use super::{Sqs, batches, messages, queues, tags};
use wire::{Fields, Operation};

const NO_FIFO: &str = "FIFO queues are not built; leave it out";

const fn acts(acts: &'static [&'static str]) -> Fields {
    Fields { acts, refused: &[], ignored: &[] }
}

pub(super) const OPERATIONS: &[Operation<Sqs>] = &[
    Operation {
        name: "CreateQueue",
        fields: acts(&["QueueName", "Attributes", "tags"]),
        run: |s, c| Box::pin(queues::create(s, c)),
    },
    Operation {
        name: "GetQueueUrl",
        fields: acts(&["QueueName", "QueueOwnerAWSAccountId"]),
        run: |s, c| Box::pin(queues::get_url(s, c)),
    },
    Operation {
        name: "ListQueues",
        fields: acts(&["QueueNamePrefix", "NextToken", "MaxResults"]),
        run: |s, c| Box::pin(queues::list(s, c)),
    },
    Operation {
        name: "ListDeadLetterSourceQueues",
        fields: acts(&["QueueUrl", "NextToken", "MaxResults"]),
        run: |s, c| Box::pin(queues::sources(s, c)),
    },
    Operation {
        name: "DeleteQueue",
        fields: acts(&["QueueUrl"]),
        run: |s, c| Box::pin(queues::delete(s, c)),
    },
    Operation { name: "PurgeQueue", fields: acts(&["QueueUrl"]), run: |s, c| Box::pin(queues::purge(s, c)) },
    Operation {
        name: "GetQueueAttributes",
        fields: acts(&["QueueUrl", "AttributeNames"]),
        run: |s, c| Box::pin(queues::attributes(s, c)),
    },
    Operation {
        name: "SetQueueAttributes",
        fields: acts(&["QueueUrl", "Attributes"]),
        run: |s, c| Box::pin(queues::set_attributes(s, c)),
    },
    Operation {
        name: "SendMessage",
        fields: Fields {
            acts: &[
                "QueueUrl",
                "MessageBody",
                "DelaySeconds",
                "MessageAttributes",
                "MessageSystemAttributes",
            ],
            refused: &[("MessageDeduplicationId", NO_FIFO)],
            ignored: &[],
        },
        run: |s, c| Box::pin(messages::send(s, c)),
    },
    Operation {
        name: "SendMessageBatch",
        fields: Fields {
            acts: &[
                "QueueUrl",
                "Entries.Id",
                "Entries.MessageBody",
                "Entries.DelaySeconds",
                "Entries.MessageAttributes",
                "Entries.MessageSystemAttributes",
            ],
            refused: &[("Entries.MessageDeduplicationId", NO_FIFO)],
            ignored: &[],
        },
        run: |s, c| Box::pin(batches::send(s, c)),
    },
    Operation {
        name: "ReceiveMessage",
        fields: Fields {
            acts: &[
                "QueueUrl",
                "AttributeNames",
                "MessageSystemAttributeNames",
                "MessageAttributeNames",
                "MaxNumberOfMessages",
                "VisibilityTimeout",
                "WaitTimeSeconds",
            ],
            refused: &[("ReceiveRequestAttemptId", NO_FIFO)],
            ignored: &[],
        },
        run: |s, c| Box::pin(messages::receive(s, c)),
    },
    Operation {
        name: "DeleteMessage",
        fields: acts(&["QueueUrl", "ReceiptHandle"]),
        run: |s, c| Box::pin(messages::delete(s, c)),
    },
    Operation {
        name: "DeleteMessageBatch",
        fields: acts(&["QueueUrl", "Entries"]),
        run: |s, c| Box::pin(batches::delete(s, c)),
    },
    Operation {
        name: "ChangeMessageVisibility",
        fields: acts(&["QueueUrl", "ReceiptHandle", "VisibilityTimeout"]),
        run: |s, c| Box::pin(messages::change_visibility(s, c)),
    },
    Operation {
        name: "ChangeMessageVisibilityBatch",
        fields: acts(&["QueueUrl", "Entries"]),
        run: |s, c| Box::pin(batches::change_visibility(s, c)),
    },
    Operation {
        name: "TagQueue",
        fields: acts(&["QueueUrl", "Tags"]),
        run: |s, c| Box::pin(tags::set(s, c)),
    },
    Operation {
        name: "UntagQueue",
        fields: acts(&["QueueUrl", "TagKeys"]),
        run: |s, c| Box::pin(tags::remove(s, c)),
    },
    Operation { name: "ListQueueTags", fields: acts(&["QueueUrl"]), run: |s, c| Box::pin(tags::list(s, c)) },
];
