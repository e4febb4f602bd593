"""Moving and proving fleets of documents: journalled copies, mirrors, audits, and bags to leave with."""
