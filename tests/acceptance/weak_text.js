// Returns the text elements whose colour stands out less than `least` from what is behind them
// (contrast ratio of WCAG 2.1); drawings are left out.
least => {
  const curve = share => share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  const channel = value => curve(value / 255);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const parts = text => text.match(/[\d.]+/g).map(Number);
  const behind = element => {
    for (let place = element; place; place = place.parentElement) {
      const colour = parts(getComputedStyle(place).backgroundColor);
      if (colour.length < 4 || colour[3] > 0.99) return colour;
    }
    return [255, 255, 255];
  };
  const weak = [];
  for (const element of document.querySelectorAll('body *:not(svg *):not(script):not(style)')) {
    const hasText = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
    if (!hasText || !element.getClientRects().length) continue;
    const [a, b] = [light(parts(getComputedStyle(element).color)), light(behind(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const shown = element.textContent.trim().slice(0, 40);
    if (contrast < least) weak.push(`${element.tagName} ${contrast.toFixed(2)} ${shown}`);
  }
  return weak;
}
