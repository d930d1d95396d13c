/** The first name that is free: `tumours.ipynb`, then `tumours-2.ipynb` and on. */
export function freeName(example: string, taken: ReadonlySet<string>): string {
  // The number in front only gives the examples their order.
  const stem = example.replace(/^\d+-/, '') || example;
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? `${stem}.ipynb` : `${stem}-${number}.ipynb`;
    if (!taken.has(name)) {
      return name;
    }
  }
}
