"""Every place of the panel, one after the other: what is added to it is visited by itself.

Sections are read from the panel's tabs, views of the main area from the argument that
`mlplat:open-view` describes. A view that needs an argument of a new name finds it in `arguments`.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Error, Locator, Page

PANEL = "#jp-mlplat-panel"
OURS = f"{PANEL}, .jp-mlplat-Main"
SECTION = f"{PANEL} .lm-StackedPanel > .lm-Widget:not(.lm-mod-hidden)"
ROWS = "[role=listitem] button, li button, [role=option], [role=treeitem], tbody [role=row] button"
SLOW_MS = 8000

# Done once nothing of ours has been added or taken away for a while and nothing is being read.
SETTLED = """([ours, slow]) => new Promise(resolve => {
    const QUIET_MS = 120;
    const end = performance.now() + slow;
    let last = performance.now();
    const observer = new MutationObserver(() => { last = performance.now(); });
    observer.observe(document.body, { childList: true, subtree: true });
    const isBusy = () => [...document.querySelectorAll(ours)].some(one =>
        one.querySelector('[aria-busy=true], .jp-mlplat-Loading'));
    const look = () => {
        const now = performance.now();
        if (now > end || (now - last >= QUIET_MS && !isBusy())) {
            observer.disconnect();
            resolve();
        } else {
            setTimeout(look, 20);
        }
    };
    look();
})"""


@dataclass(frozen=True)
class Things:
    """What there is to be shown: links into the panel, and arguments of views."""

    links: tuple[str, ...] = ()
    arguments: dict[str, Any] | None = None
    of_view: dict[str, dict[str, Any]] = field(default_factory=dict)  # instead, for one kind


def tour(page: Page, things: Things) -> Iterator[str]:
    """Go from place to place; each name is given when the place is on screen."""
    for section in list_sections(page):
        open_section(page, section)
        yield f"section {section}"
        content = page.locator(SECTION)
        if press(content.locator(ROWS).first):
            yield from _look_into(page, content, f"section {section}, first row")
    for link in things.links:
        run(page, "mlplat:open-link", {"link": link})
        settle(page)
        yield from _look_into(page, page.locator(SECTION), f"link {link.split('/')[0]}")
    arguments = things.arguments or {}
    for kind in list_views(page) if things.arguments is not None else ():
        run(page, "mlplat:open-view", {"view": kind, **arguments, **things.of_view.get(kind, {})})
        page.locator(".jp-mlplat-Main:visible").wait_for(timeout=SLOW_MS)
        settle(page)
        content = page.locator(".jp-mlplat-Main:visible")
        yield from _look_into(page, content, f"view {kind}")
        page.evaluate("() => window.jupyterapp.shell.currentWidget.close()")


def list_sections(page: Page) -> list[str]:
    """Name the sections by the panel's tabs."""
    tabs = page.locator(f"{PANEL} [role=tab][data-section]")
    tabs.first.wait_for()
    return tabs.evaluate_all("tabs => tabs.map(tab => tab.dataset.section)")


def list_views(page: Page) -> list[str]:
    """Name the kinds of views, as their command describes its argument."""
    return page.evaluate(
        """async () => {
            const { args } = await window.jupyterapp.commands.describedBy('mlplat:open-view');
            return args.properties.view.enum;
        }"""
    )


def open_section(page: Page, section: str) -> None:
    run(page, "mlplat:open", {"section": section})
    page.locator(f"{PANEL} [data-section='{section}'][aria-selected=true]").wait_for()
    settle(page)


def run(page: Page, command: str, arguments: dict[str, Any] | None = None) -> None:
    """Run a command without waiting for its end: some end with what they opened."""
    page.evaluate(
        "([command, args]) => { void window.jupyterapp.commands.execute(command, args) }",
        [command, arguments or {}],
    )


def settle(page: Page) -> None:
    """Wait until all is there: nothing is being read, nothing is added any more."""
    with contextlib.suppress(Error):  # the page may be left meanwhile
        page.evaluate(SETTLED, [OURS, SLOW_MS])


def press(target: Locator) -> bool:
    """Click what may have gone, or be covered; tell whether it was there."""
    with contextlib.suppress(Error):
        if target.is_visible() and target.is_enabled():
            target.click(timeout=1000)
            settle(target.page)
            return True
    return False


def _look_into(page: Page, content: Locator, name: str) -> Iterator[str]:
    """Unfold what is folded, then go through the tabs inside."""
    for _ in range(12):
        folded = content.locator("button[aria-expanded=false]:not([aria-haspopup])").first
        if not press(folded):
            break
    yield name
    tabs = content.locator("[role=tab]:not([data-section])")
    for index in range(min(tabs.count(), 8)):
        if tabs.nth(index).get_attribute("aria-selected") != "true" and press(tabs.nth(index)):
            yield f"{name}, tab {index + 1}"
