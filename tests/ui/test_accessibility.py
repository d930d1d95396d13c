"""Nothing serious for axe-core in any view, and everything is reached by keyboard."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from jupyter_mlplat.client.engine import EngineClient
from tests.ui.conftest import new_page
from tests.ui.tour import OURS, PANEL, Things, list_sections, open_section, run, tour

if TYPE_CHECKING:
    from tests.ui.conftest import Lab

pytestmark = [pytest.mark.ui, pytest.mark.slow, pytest.mark.timeout(600)]

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
WIDE, NARROW = 900, 240


@dataclass(frozen=True)
class Look:
    """A theme, a width of the panel, and a zoom."""

    theme: str
    width: int
    zoom: int = 1

    def __str__(self) -> str:
        return f"{self.theme}, {self.width} px, {100 * self.zoom} %"


# Each view is looked at in each of these.
LOOKS = (
    Look("JupyterLab Light", WIDE),
    Look("JupyterLab Dark", NARROW),
    Look("JupyterLab Dark High Contrast", NARROW, 2),
)
# What a theme, a width or a zoom can change; names and roles are the same in all of them.
BY_LOOK = ("color-contrast", "link-in-text-block", "target-size", "scrollable-region-focusable")
SHOWN = ":not(.lm-mod-hidden)"
BEGIN = Look("JupyterLab Light", 380)


@dataclass
class Faults:
    """What was found wrong, each with the places where it was seen."""

    axe: dict[str, set[str]] = field(default_factory=dict)
    keyboard: dict[str, set[str]] = field(default_factory=dict)
    width: dict[str, set[str]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def things(lab: "Lab") -> Iterator[Things]:
    yield fill(lab)
    # An endpoint outlives the engine.
    EngineClient(lab.environment["MLPLAT_HOME"]).delete_endpoint("churn")


@pytest.fixture(scope="module")
def faults(lab: "Lab", browser: Browser, things: Things) -> Faults:
    """Go to every place once; look at it in each look, and by keyboard."""
    found = Faults()
    with new_page(browser) as page:
        open_lab(page, lab)
        for place in tour(page, things):
            root = ".jp-mlplat-Main:visible" if place.startswith("view") else PANEL
            for look in LOOKS:
                take_on(page, look)
                rules = None if look is LOOKS[0] else BY_LOOK
                note(found.axe, check(page, root, rules), f"{place} ({look})")
                if look.width == NARROW:
                    note(found.width, list_too_wide(page), f"{place} ({look})")
            take_on(page, BEGIN)
            note(found.keyboard, list_unreachable(page, root), place)
    return found


def test_every_view_passes_axe_in_every_theme_and_width(faults: Faults) -> None:
    assert not faults.axe, report(faults.axe)


def test_everything_is_reached_by_keyboard_with_a_visible_focus(faults: Faults) -> None:
    assert not faults.keyboard, report(faults.keyboard)


def test_nothing_is_too_wide_for_a_narrow_panel_or_a_zoomed_page(faults: Faults) -> None:
    assert not faults.width, report(faults.width)


@pytest.mark.usefixtures("things")
def test_views_without_content_and_with_errors_pass_axe(page: Page, lab: "Lab") -> None:
    found: dict[str, set[str]] = {}

    for name, answer in (("empty", answer_nothing), ("error", answer_error)):
        page.goto("about:blank")  # what is still asked for would meet a route that is gone
        page.unroute_all(behavior="ignoreErrors")
        page.route("**/mlplat/api/v1/**", answer)
        open_lab(page, lab)
        for section in list_sections(page):
            open_section(page, section)
            for look in LOOKS:
                take_on(page, look)
                faults = check(page, PANEL, None if look is LOOKS[0] else BY_LOOK)
                faults += list_too_wide(page) if look.width == NARROW else []
                note(found, faults, f"{section}, {name} ({look})")

    assert not found, report(found)


def test_lists_are_left_and_come_back_to_by_keyboard_alone(
    page: Page, lab: "Lab", things: Things
) -> None:
    open_lab(page, lab)
    take_on(page, BEGIN)
    page.keyboard.press("Control+Alt+p")
    expect(page.get_by_role("tab", name="Pipeline")).to_be_focused()

    # Sections and rows by arrow keys, a list by Tab, a row by Enter, back by Escape.
    for section, row, back in (
        ("Runs", "[data-run]", "Back to all runs"),
        ("Training", "[data-kind=train]", "Back to all train jobs"),
        ("Tuning", "[data-kind=tune]", "Back to all tuning jobs"),
        ("Models", "[data-model]", "Back to all models"),
        ("Endpoints", "[data-endpoint]", "Back to all endpoints"),
    ):
        page.keyboard.press("ArrowRight")
        expect(page.get_by_role("tab", name=section)).to_be_focused()
        rows = page.locator(f"{PANEL} {row}")
        expect(rows.first).to_be_visible()
        press_tab_until(page, row)
        page.keyboard.press("End")
        expect(rows.last).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name=back)).to_be_focused()
        page.keyboard.press("Escape")
        expect(rows.last).to_be_focused()
        page.get_by_role("tab", name=section).focus()

    # The search of Lineage leads into what it found, and that to a tree.
    page.keyboard.press("ArrowRight")
    expect(page.get_by_test_id("mlplat-lineage-search")).to_be_visible()
    press_tab_until(page, "[data-testid=mlplat-lineage-search]")
    page.keyboard.type("churn")
    expect(page.locator("[data-subject]").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    tree = page.get_by_role("tree")
    expect(tree.get_by_role("treeitem").nth(1)).to_be_visible()
    press_tab_until(page, "[role=treeitem]")
    page.keyboard.press("End")
    expect(tree.get_by_role("treeitem").last).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("mlplat-lineage-search")).to_be_focused()


def press_tab_until(page: Page, selector: str) -> None:
    """Go on by the Tab key; so many stops are more than a section has above its list."""
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"The Tab key does not lead to {selector}.")


def fill(lab: "Lab") -> Things:
    """Fill the state directory once: a good run, a failed one, a model, an endpoint."""
    client = EngineClient(lab.environment["MLPLAT_HOME"])
    path = lab.folder / NOTEBOOK
    write_notebook(path)
    good = client.submit(path, until="train", tags={"team": "risk"})
    client.wait_for_run(good.id, 120)
    client.edit_run(good.id, note="The first one.")
    bad = client.submit(path)
    client.wait_for_run(bad.id, 120)
    client.register_model("churn", run_id=good.id, aliases=["champion"], description="Who goes")
    client.deploy("churn")
    training = client.train({**JOB, "train": {"runtime": "plain", "processes": 2}})
    tuning = client.tune({**JOB, "tune": TUNE})
    client.wait_for_run(training.id, 120)
    client.wait_for_run(tuning.id, 120)
    return Things(
        of_view={"training": {"run": training.id}, "tuning": {"run": tuning.id}},
        links=(
            f"training/{training.id}",
            f"tuning/{tuning.id}",
            f"run/{bad.id}",
            "model/churn",
            "endpoint/churn",
            f"lineage/{good.id}",
        ),
        arguments={
            "run": bad.id,
            "runs": [good.id, bad.id],
            "notebook": NOTEBOOK,
            "model": "churn",
            "endpoint": "churn",
            "subject": "models:churn:1",
        },
    )


NOTEBOOK = "churn.ipynb"
JOB = {
    "payload": {
        "cell": "import jupyter_mlplat as mlplat\nscale = globals().get('scale', 1.0)\n"
        "for epoch in range(3):\n"
        "    mlplat.train.report(step=epoch, metrics={'loss': scale / (epoch + 1)})\n"
        "print(scale)"
    }
}
TUNE = {
    "objective": {"metric": "loss", "direction": "minimize"},
    "space": [
        {"name": "scale", "type": "double", "minimum": 0.1, "maximum": 10.0},
        {"name": "kind", "type": "categorical", "values": ["a", "b"]},
    ],
    "algorithm": {"name": "random"},
    "trials": 5,
}
CELLS = {
    "choose": "trees = 10  # how many\nwho = 'you'\nverbose = False",
    "train": (
        "import jupyter_mlplat as mlplat\nfrom sklearn.dummy import DummyClassifier\n"
        "print('\\x1b[31mred\\x1b[0m and \\x1b[43myellow\\x1b[0m')\n"
        "for epoch in range(5): mlplat.log_metric('loss', 1 / (epoch + 1), step=epoch)\n"
        "model = DummyClassifier().fit([[0.0], [1.0]], [0, 1])\n"
        "mlplat.log_model(model, 'm', input_example=[[0.0]])\n"
        "model"
    ),
    "break": "exec('pass')\nprint(model, trees)\nraise ValueError('no such column')",
}


def write_notebook(path: Path) -> None:
    cells = [
        {
            "cell_type": "code",
            "id": cell,
            "metadata": {"tags": ["parameters"]}
            if cell == "choose"
            else {"mlplat": {"step": cell}},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for cell, source in CELLS.items()
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    content = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}}
    path.write_text(json.dumps({**content, "cells": cells}))


def answer_nothing(route: Route) -> None:
    """Answer lists as an engine that has nothing yet; everything else as it is."""
    response = route.fetch() if "/events" not in route.request.url else None
    if response is None:
        route.continue_()
        return
    try:
        body = response.json()
    except ValueError:
        route.fulfill(response=response)
        return
    emptied = {name: [] if isinstance(value, list) else value for name, value in body.items()}
    if "next" in body:
        emptied["next"] = None
    route.fulfill(response=response, body=json.dumps(emptied))


def answer_error(route: Route) -> None:
    body = {"code": "unavailable", "message": "The disk is full. Free some space.", "details": {}}
    route.fulfill(status=503, content_type="application/json", body=json.dumps(body))


def open_lab(page: Page, lab: "Lab") -> None:
    page.goto(f"{lab.url}lab/tree/{NOTEBOOK}?token={lab.token}&reset")
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    run(page, "mlplat:open")
    page.locator(PANEL).wait_for()
    page.evaluate(AXE.read_text("utf-8"))
    page.evaluate(WARDROBE, sorted({look.theme for look in LOOKS}))
    page.add_style_tag(content="*, ::before, ::after { transition: none !important; }")


def take_on(page: Page, look: Look) -> None:
    """Change theme, width of the panel, and zoom: a window of half the size is one at 200 %."""
    page.set_viewport_size({"width": 1600 // look.zoom, "height": 900 // look.zoom})
    page.evaluate("theme => window.wear(theme)", look.theme)
    box = page.locator(PANEL).bounding_box()
    assert box is not None
    if abs(box["width"] - look.width) > 1:
        page.mouse.move(box["x"] + box["width"] + 3, box["y"] + 200)
        page.mouse.down()
        page.mouse.move(box["x"] + look.width + 3, box["y"] + 200, steps=2)
        page.mouse.up()
    page.evaluate(TWO_FRAMES)


TWO_FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"

# Keeps the style sheet of each theme beside the others: to change is then a matter of a frame.
WARDROBE = """async themes => {
    const sheets = new Map();
    const until = async isSo => {
        while (!isSo()) await new Promise(done => setTimeout(done, 20));
    };
    for (const theme of themes) {
        // JupyterLab bears no change while the cover of the one before is fading.
        await until(() => !document.getElementById('jupyterlab-splash'));
        await window.jupyterapp.commands.execute('apputils:change-theme', { theme });
        await until(() => document.body.dataset.jpThemeName === theme);
        const links = [...document.querySelectorAll('link[rel=stylesheet][href*="/themes/"]')];
        const sheet = document.createElement('style');
        sheet.textContent = await (await fetch(links[links.length - 1].href)).text();
        sheet.media = 'not all';
        document.body.append(sheet);
        sheets.set(theme, { sheet, isLight: document.body.dataset.jpThemeLight });
    }
    for (const link of document.querySelectorAll('link[rel=stylesheet][href*="/themes/"]')) {
        link.disabled = true;
    }
    window.wear = theme => {
        for (const [name, { sheet }] of sheets) {
            sheet.media = name === theme ? 'all' : 'not all';
        }
        document.body.dataset.jpThemeName = theme;
        document.body.dataset.jpThemeLight = sheets.get(theme).isLight;
    };
}"""


def check(page: Page, root: str, rules: Sequence[str] | None) -> list[str]:
    """Ask axe-core; name what is serious or critical inside our elements.

    Args:
        page: Where axe-core is.
        root: Of what is looked at; what we have outside of panel and views is looked at always.
        rules: Only these; None for all of WCAG A and AA.
    """
    return page.evaluate(
        """async ([roots, rules]) => {
            const include = roots.filter(root => document.querySelector(root));
            const { violations } = await axe.run(
                { include: include.map(root => [root]), exclude: [['.jp-OutputArea']] },
                {
                    resultTypes: ['violations'],
                    runOnly: rules ?? ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'],
                }
            );
            return violations
                .filter(one => one.impact === 'serious' || one.impact === 'critical')
                .flatMap(one => one.nodes.map(node =>
                    `${one.id}: ${one.help}\\n      ${node.html.slice(0, 160)}\\n      ` +
                    node.any.concat(node.all, node.none).map(c => c.message).join('; ')
                        .slice(0, 200)));
        }""",
        [[root.replace(":visible", SHOWN), ".jp-mlplat-StatusItem", ".mlplat-Card"], rules],
    )


def list_unreachable(page: Page, root: str) -> list[str]:
    """Name what can be clicked and is neither a stop of the Tab key nor walked to by arrow keys.

    A stop must look otherwise while the keyboard's focus is on it.
    """
    page.keyboard.press("Tab")  # from now on focus is the keyboard's
    return page.evaluate(
        """root => {
            const found = [];
            const widgets = '[role=tablist], [role=listbox], [role=tree], [role=grid], ' +
                '[role=radiogroup], [role=menu], [role=toolbar], [role=treegrid]';
            const parts = 'button, a[href], input, select, textarea, summary, [onclick], ' +
                '[role=button], [role=option], [role=tab], [role=treeitem], [role=slider], ' +
                '[tabindex]';
            const isSeen = one => one.checkVisibility({ visibilityProperty: true }) &&
                one.getClientRects().length > 0;
            const styleOf = one => {
                const { outlineStyle, outlineWidth, outlineColor, boxShadow, borderColor, stroke,
                        strokeWidth, backgroundColor, textDecorationLine } = getComputedStyle(one);
                return JSON.stringify([outlineStyle === 'none' ? '' : outlineWidth + outlineColor,
                    boxShadow, borderColor, stroke, strokeWidth, backgroundColor,
                    textDecorationLine]);
            };
            const style = one =>
                [one, ...one.querySelectorAll('path, rect, circle')].map(styleOf).join();
            const name = one => one.outerHTML.slice(0, 160);
            const base = [...document.querySelectorAll(root.replace(':visible', ''))].find(isSeen);
            if (!base) return [];
            for (const one of base.querySelectorAll(parts)) {
                if (!isSeen(one) || one.disabled || one.closest('[inert], [aria-hidden=true]')) {
                    continue;
                }
                if (one.closest('.jp-OutputArea')) continue;
                if (one.classList.contains('lm-Widget')) continue;
                const group = one.closest(widgets);
                if (one.tabIndex < 0) {
                    // One of its kind is the stop, or what it lies in: arrow keys go on from there.
                    const kind = one.getAttribute('class')?.split(' ')[0];
                    const isWalked = one.parentElement.closest('[tabindex="0"]') ||
                        group?.querySelector('[tabindex="0"]') ||
                        (kind && [...base.getElementsByClassName(kind)]
                            .some(other => other.tabIndex === 0));
                    if (!isWalked && one.getAttribute('role') !== 'tabpanel') {
                        found.push(`not reached by keyboard: ${name(one)}`);
                    }
                    continue;
                }
                const before = document.activeElement;
                one.blur();
                const still = style(one);
                one.focus({ preventScroll: true, focusVisible: true });
                const around = one.parentElement;
                if (document.activeElement === one && style(one) === still &&
                    !one.matches('[aria-activedescendant]') &&
                    getComputedStyle(around).outlineStyle === 'none') {
                    found.push(`focus is not seen: ${name(one)}`);
                }
            }
            return found;
        }""",
        root,
    )


def list_too_wide(page: Page) -> list[str]:
    """Name what has to be scrolled sideways, or is cut off for want of width.

    Code, logs, tables, drawings and what cells displayed may be wider than their place.
    """
    return page.evaluate(
        """ours => {
            const free = 'pre, [role=log], .react-flow, .jp-OutputArea, .jp-mlplat-Comparison, ' +
                '[tabindex="0"]:has(> table), textarea, input, select, .uplot';
            const found = [];
            for (const root of document.querySelectorAll(ours)) {
                for (const one of [root, ...root.querySelectorAll('*')]) {
                    const { overflowX, overflowY } = getComputedStyle(one);
                    const scrolls = /auto|scroll/.test(overflowX + overflowY);
                    if (scrolls && one.scrollWidth > one.clientWidth + 1 && !one.closest(free) &&
                        one.checkVisibility({ visibilityProperty: true })) {
                        const box = one.getBoundingClientRect();
                        const over = [...one.querySelectorAll('*')].find(
                            part => part.getBoundingClientRect().right > box.right + 1);
                        const html = (over ?? one).outerHTML.slice(0, 160);
                        found.push(`wider than its place: ${html}`);
                    }
                }
            }
            return found;
        }""",
        OURS,
    )


def note(found: dict[str, set[str]], violations: list[str], place: str) -> None:
    for violation in violations:
        found.setdefault(violation, set()).add(place)


def report(found: dict[str, Any]) -> str:
    """Each violation once, with the places where it was seen."""
    lines = [f"{len(found)} faults:"]
    for violation, places in sorted(found.items()):
        shown = sorted(places)[:3]
        more = f" and {len(places) - 3} more" if len(places) > 3 else ""
        lines.append(f"  - {violation}\n      in {'; '.join(shown)}{more}")
    return "\n".join(lines)
