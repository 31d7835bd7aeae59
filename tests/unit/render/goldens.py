"""What each case looks like in each format, and the command that writes the golden files anew:
`python -m tests.unit.render.goldens`. Look at the difference before you commit it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from reconciler.core.report import Report
from reconciler.render.adoptions import (
    adoption_body,
    adoption_document,
    adoption_message,
    adoption_text,
    adoption_title,
)
from reconciler.render.annotations import reports_github, reports_gitlab
from reconciler.render.container_schema import containers_schema, sighting_schema
from reconciler.render.document import explanation_document, plan_document
from reconciler.render.explanations import explanation_text
from reconciler.render.fixes import (
    fixing_body,
    fixing_document,
    fixing_message,
    fixing_text,
    fixing_title,
)
from reconciler.render.html_page import reports_html
from reconciler.render.image_schema import images_schema
from reconciler.render.json_schema import notice_schema, report_schema
from reconciler.render.junit import reports_junit
from reconciler.render.markdown import report_markdown
from reconciler.render.merges import merge_markdown, merge_text
from reconciler.render.node_reports import node_report_schema
from reconciler.render.plans import plan_text
from reconciler.render.profile_schema import profiles_schema
from reconciler.render.proposals import (
    proposal_body,
    proposal_message,
    proposal_title,
    record_text,
)
from reconciler.render.sarif import reports_sarif
from reconciler.render.serialized import json_text, report_json, report_yaml
from reconciler.render.slack import message_of
from reconciler.render.slack_thread import replies_of, reply_of
from reconciler.render.terminal import Style
from reconciler.render.text import outcomes_text, report_text
from tests.unit.render.adopting import ADOPTIONS, URL
from tests.unit.render.cases import EXPLANATIONS, NOW, PLANS, REPORTS
from tests.unit.render.fixing import FIXINGS
from tests.unit.render.proposing import NOTICES, PLAN
from tests.unit.render.slack import NOTICES as SLACK_NOTICES
from tests.unit.render.slack import message_text

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "tests" / "testdata" / "render"

STYLES: Mapping[str, Style] = {
    "text": Style(colour=False, width=80),
    "text.colour": Style(colour=True, width=80),
    "text.wide": Style(colour=False, width=140),
    "text.pipe": Style(colour=False, width=0, full=True),
}


def _of_report(report: Report) -> dict[str, str]:
    files = {name: report_text(report, style, NOW) for name, style in STYLES.items()}
    files["report.json"] = report_json(report)
    files["report.yaml"] = report_yaml(report)
    files["markdown.md"] = report_markdown(report, NOW)
    if report.merge is not None:
        merge = report.merge
        files |= {name: merge_text(report, merge, style, NOW) for name, style in STYLES.items()}
        files["markdown.md"] = merge_markdown(report, merge, NOW)
    if report.outcomes:
        for name, style in STYLES.items():
            files[f"outcomes.{name}"] = outcomes_text(report, style)
    return files


#: Cases that are shown in every format of CI.
_FOR_MACHINES = ("drifted", "hostile", "in-sync", "merging", "baselined", "pods")


def for_machines(reports: Sequence[Report]) -> dict[str, str]:
    """Gives reports in every format of CI."""
    return {
        "sarif.json": reports_sarif(reports, NOW, "1.2.3"),
        "junit.xml": reports_junit(reports, NOW),
        "page.html": reports_html(reports, NOW),
        "github.txt": reports_github(reports, NOW),
        "gitlab.json": reports_gitlab(reports, NOW),
    }


def renderings() -> dict[str, str]:
    """Gives every golden file's contents by `case/file`."""
    cases = {name: _of_report(report) for name, report in REPORTS.items()}
    for name in _FOR_MACHINES:
        cases[name] |= for_machines([REPORTS[name]])
    for name, plan in PLANS.items():
        cases[name] = {each: plan_text(plan, style, NOW) for each, style in STYLES.items()}
        cases[name]["plan.json"] = json_text(plan_document(plan))
    for name, explanation in EXPLANATIONS.items():
        cases[name] = {
            each: explanation_text(explanation, style, NOW) for each, style in STYLES.items()
        }
        cases[name]["explanation.json"] = json_text(explanation_document(explanation))
    for name, notice in NOTICES.items():
        cases[f"proposal-{name}"] = {
            "title.txt": proposal_title(notice) + "\n",
            "body.md": proposal_body(notice, PLAN),
            "message.txt": proposal_message(notice, PLAN),
            "record.json": record_text(notice, PLAN),
        }
    for name, adoption in ADOPTIONS.items():
        cases[f"adoption-{name}"] = {
            "title.txt": adoption_title(adoption) + "\n",
            "body.md": adoption_body(adoption),
            "message.txt": adoption_message(adoption),
            "adoption.json": json_text(adoption_document(adoption, URL)),
            **{each: adoption_text(adoption, style) for each, style in STYLES.items()},
        }
    for name, fixing in FIXINGS.items():
        cases[f"fixes-{name}"] = {
            "title.txt": fixing_title(fixing) + "\n",
            "body.md": fixing_body(fixing),
            "message.txt": fixing_message(fixing),
            "fixes.json": json_text(fixing_document(fixing, URL)),
            **{each: fixing_text(fixing, style) for each, style in STYLES.items()},
        }
    for name, notice in SLACK_NOTICES.items():
        replies = [message_text(reply_of(e, named=False)) for e in replies_of(notice)]
        message = message_text(message_of(notice))
        cases[f"slack-{name}"] = {"message.json": message, "thread.json": "".join(replies)}
    return {f"{case}/{file}": text for case, files in cases.items() for file, text in files.items()}


def schema_texts() -> dict[Path, str]:
    """Gives the text of each schema that is shipped."""
    made = {
        "report": report_schema(),
        "notice": notice_schema(),
        "images": images_schema(),
        "containers": containers_schema(),
        "container-event": sighting_schema(),
        "node-report": node_report_schema(),
        "profiles": profiles_schema(),
    }
    folder = ROOT / "reconciler" / "data"
    return {
        folder / f"{name}.schema.json": json.dumps(schema, indent=2) + "\n"
        for name, schema in made.items()
    }


def main() -> None:
    for name, text in renderings().items():
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    for path, text in schema_texts().items():
        path.write_bytes(text.encode())


if __name__ == "__main__":
    main()
