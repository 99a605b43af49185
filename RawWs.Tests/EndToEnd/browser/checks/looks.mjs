import { ensure, isOpen } from "../harness.mjs";

const TWINS = ["story.html?dialect=socketio", "quotes.html?dialect=socketio", "chat.html?dialect=socketio"];
const PAGES = ["./", "story.html", "quotes.html", "chat.html", ...TWINS];
const POLICY = "default-src 'self'; connect-src 'self' ws: wss:";

export const looksChecks = {
  "every page's console is free of errors and warnings": async tabs => {
    const set = await tabs();
    for (const path of PAGES) await settle(await set.open(path, { random: null }), path);
    ensure(set.complaints.length === 0, "the console complained");
  },

  "every page works under a strict content security policy": async tabs => {
    // A response that went through the test is no longer known to come from this machine, and a page from
    // elsewhere needs this permission to connect to it.
    const set = await tabs({ permissions: ["local-network-access"] });
    const enforce = page => page.route("**/*", async route => {
      const response = await route.fetch();
      const headers = { ...response.headers(), "content-security-policy": POLICY };
      await route.fulfill({ response, headers });
    });
    for (const path of PAGES) await settle(await set.open(path, { before: enforce }), path);
    ensure(set.complaints.length === 0, "the console complained");
  },

  "no page scrolls sideways on a phone": async tabs => {
    for (const width of [320, 390]) {
      const set = await tabs({ viewport: { width, height: 844 }, isMobile: true, hasTouch: true });
      for (const path of PAGES) {
        const page = await set.open(path);
        await settle(page, path);
        const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        ensure(over <= 0, `${path} is ${over} px wider than a screen of ${width} px`);
      }
    }
  },

  "text stands out in the light and in the dark": async tabs => {
    const luminance = {};
    for (const colorScheme of ["light", "dark"]) {
      const set = await tabs({ colorScheme });
      for (const path of PAGES) {
        const page = await set.open(path);
        await settle(page, path);
        const { background, faint } = await page.evaluate(inspectContrast);
        ensure(faint.length === 0, `${path} in ${colorScheme}: ${faint.slice(0, 5).join("; ")}`);
        luminance[colorScheme] = background;
      }
    }
    ensure(luminance.light > 0.8 && luminance.dark < 0.05, `backgrounds: ${JSON.stringify(luminance)}`);
  },

  "every control has a name and the keyboard reaches the content first": async tabs => {
    const set = await tabs();
    for (const path of PAGES) {
      const page = await set.open(path);
      await settle(page, path);
      const controls = ["button", "input", "a", "progress", "canvas"].map(name => `${name}:visible`).join();
      for (const control of await page.locator(controls).all()) {
        const tree = await control.ariaSnapshot();
        ensure(/^- \S+ "[^"]+"/.test(tree), `${path}: a control without a name: ${tree}`);
      }
      await page.evaluate(() => document.activeElement?.blur());
      await page.keyboard.press("Tab");
      ensure(await page.locator(".skip").evaluate(link => link === document.activeElement),
        `${path}: the first stop is not the link to the content`);
    }
  },
};

async function settle(page, path) {
  await isOpen(page);
  if (path.startsWith("quotes.html")) await page.locator("#tickets .ticket").first().waitFor();
}

// Runs in the page: the luminance of its background, and the texts whose contrast is below WCAG 2's 4.5 : 1.
function inspectContrast() {
  const channels = css => css.match(/[\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => {
    const linear = c => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    const [x, y, z] = [r, g, b].map(c => linear(c / 255));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const backgroundOf = element => {
    for (let e = element; e !== null; e = e.parentElement) {
      const colour = channels(getComputedStyle(e).backgroundColor);
      if ((colour[3] ?? 1) === 1) return luminance(colour);
    }
    return 1;
  };
  const faint = [];
  for (const element of document.body.querySelectorAll("*")) {
    const own = [...element.childNodes].filter(node => node.nodeType === Node.TEXT_NODE);
    const text = own.map(node => node.data.trim()).join("");
    // WCAG 2 §1.4.3 exempts a control that is out of use.
    if (text === "" || !element.checkVisibility() || element.closest(":disabled, noscript")) continue;
    const [a, b] = [luminance(channels(getComputedStyle(element).color)), backgroundOf(element)];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) faint.push(`“${text.slice(0, 30)}” has ${contrast.toFixed(2)}`);
  }
  return { background: backgroundOf(document.body), faint };
}
