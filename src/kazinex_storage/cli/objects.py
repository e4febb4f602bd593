"""``put``, ``get``, ``cat``, ``stat``, ``cp``, ``mv``, ``rm`` as command lines; ``putting.py`` and so on do the work.

What a command needs is imported when it runs, so that ``--help`` costs little.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

from .command import Yes, command_of


def complete_remote(incomplete: str) -> list[str]:
    """Complete what is stored: an organisation, a project, a document, a key behind a URL."""
    from .completing_keys import remote

    return remote(incomplete)


Document: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="DOCUMENT",
        help="organisation/project/document/revision[/filename], or its kazinex:// URL.",
        autocompletion=complete_remote,
    ),
]

Remote: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="DOCUMENT",
        help="A document, another key of an organisation, or a URL.",
        autocompletion=complete_remote,
    ),
]

Sources: TypeAlias = Annotated[
    list[str],
    typer.Argument(
        metavar="SOURCE",
        help="Documents, folders or patterns: organisation/project/..., or URLs.",
        autocompletion=complete_remote,
    ),
]

Target: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="TARGET", help="Where to: a name, or a folder with a slash.", autocompletion=complete_remote
    ),
]

Receipt: TypeAlias = Annotated[
    str | None,
    typer.Option("--receipt", metavar="RECEIPT", help="Compare with what put --json printed, - is standard input."),
]

AcceptRewritten: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--accept-rewritten", help="Accept a file that SharePoint rewrote after the upload; goes with --receipt."
    ),
]

Recursive: TypeAlias = Annotated[bool, typer.Option("--recursive", "-R", help="Folders, and all that is below them.")]

DryRun: TypeAlias = Annotated[bool, typer.Option("--dry-run", "-n", help="Say what would be done, and change nothing.")]

SkipExisting: TypeAlias = Annotated[
    bool, typer.Option("--skip-existing", help="Leave out what is there already, as after an interruption.")
]

Force: TypeAlias = Annotated[
    bool, typer.Option("--force", "-f", help="Replace what is there behind a URL; a document never is.")
]

By: TypeAlias = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who removes it, for the record.")]


def put(
    context: typer.Context,
    files: Annotated[
        list[str], typer.Argument(metavar="FILE", help="What to store; - is standard input, and goes alone.")
    ],
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET",
            help="organisation/project/document/revision[/filename], a folder with a slash at its end, or a URL.",
            autocompletion=complete_remote,
        ),
    ],
    recursive: Recursive = False,
    content_type: Annotated[str | None, typer.Option(help="By default that of the file name.")] = None,
    sha256: Annotated[str | None, typer.Option(help="What the file must have, in hexadecimal.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Keep what was sent when it is interrupted, and go on with it.")
    ] = False,
    skip_existing: SkipExisting = False,
    force: Force = False,
    dry_run: DryRun = False,
) -> None:
    """Store files, and print the receipts. A revision has one file, and is never overwritten.

    A folder needs --recursive: what is in folder/ goes below TARGET, folder without the slash comes with its own name;
    under an organisation, document/revision/file must come of it below the project. All names are checked first.
    """
    from .put_plans import PutRequest
    from .putting import store_files

    asked = PutRequest(
        files=tuple(files),
        target=target,
        recursive=recursive,
        content_type=content_type,
        sha256=sha256,
        force=force,
        skip_existing=skip_existing,
        dry_run=dry_run,
        resume=resume,
    )
    store_files(command_of(context), asked)


def get(
    context: typer.Context,
    operands: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE",
            help="Documents or URLs; last, a file or a folder to write to; - is standard output.",
            autocompletion=complete_remote,
        ),
    ],
    recursive: Recursive = False,
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace the file when there is one.")] = False,
    skip_existing: SkipExisting = False,
    receipt_file: Receipt = None,
    accept_rewritten: AcceptRewritten = False,
    dry_run: DryRun = False,
) -> None:
    """Write documents and objects into files, each whole or not at all, proved. By default under their own names, here.

    The last of several operands is the target, unless it is a URL.
    """
    from .getting import GetRequest, split
    from .getting import get as run

    sources, target = split(operands)
    asked = GetRequest(
        sources=sources,
        target=target,
        recursive=recursive,
        force=force,
        skip_existing=skip_existing,
        receipt=receipt_file,
        accept_rewritten=accept_rewritten,
        dry_run=dry_run,
    )
    run(command_of(context), asked)


def cat(
    context: typer.Context,
    document: Remote,
    receipt_file: Receipt = None,
    accept_rewritten: AcceptRewritten = False,
) -> None:
    """Write a document to standard output; its last bytes come only when all of them are proved."""
    from .getting import stream

    stream(command_of(context), document, receipt_file, accept_rewritten=accept_rewritten)


def stat(context: typer.Context, document: Remote) -> None:
    """Show what is known of a document or of another object."""
    from .getting import one_object
    from .printing import print_object, print_receipt
    from .selecting import single_document

    command = command_of(context)
    receipt = single_document(command, document)
    if receipt is not None:
        print_receipt(command, receipt, "stored")
    else:
        found = one_object(command, document)
        print_object(command, document, found.storage.head(found.key), "stored")


def cp(
    context: typer.Context,
    sources: Sources,
    target: Target,
    recursive: Recursive = False,
    force: Force = False,
    dry_run: DryRun = False,
) -> None:
    """Copy documents and objects from one place to another; what goes to an organisation becomes a document."""
    from .transfers import CopyRequest, transfer

    asked = CopyRequest(
        sources=tuple(sources), target=target, move=False, recursive=recursive, force=force, dry_run=dry_run
    )
    transfer(command_of(context), asked)


def mv(
    context: typer.Context,
    sources: Sources,
    target: Target,
    recursive: Recursive = False,
    force: Force = False,
    by: By = None,
    dry_run: DryRun = False,
) -> None:
    """Move documents and objects. The revision that a document leaves stays taken, and the trash keeps it."""
    from .transfers import CopyRequest, transfer

    asked = CopyRequest(
        sources=tuple(sources), target=target, move=True, recursive=recursive, force=force, dry_run=dry_run, by=by
    )
    transfer(command_of(context), asked)


def rm(
    context: typer.Context,
    sources: Sources,
    recursive: Recursive = False,
    by: By = None,
    reason: Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why, for the record.")] = None,
    purge: Annotated[
        bool, typer.Option("--purge", help="Keep nothing of it; without, trash undelete undoes it.")
    ] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Remove documents from every provider of the organisation that holds them, and other objects.

    The revision of a document stays taken.
    """
    from .removing import RemoveRequest, remove

    asked = RemoveRequest(
        sources=tuple(sources), by=by, reason=reason, purge=purge, recursive=recursive, yes=yes, dry_run=dry_run
    )
    remove(command_of(context), asked)
