import { parseAnsi, stripAnsi } from '../src/components/ansi';

const ESC = '\u001b';

describe('parseAnsi', () => {
  it.each([
    ['plain', [['plain', {}]]],
    [
      `${ESC}[31mred${ESC}[0m and not`,
      [
        ['red', { color: 1 }],
        [' and not', {}]
      ]
    ],
    [`${ESC}[1;38;5;196mx`, [['x', { color: 9, isBold: true }]]],
    [`${ESC}[38;2;0;0;200mx`, [['x', { color: 12 }]]],
    [`${ESC}[97;44mx`, [['x', { color: 15, background: 4 }]]],
    [`${ESC}[2Kdone${ESC}[1A`, [['done', {}]]],
    [`${ESC}]8;;http://evil${ESC}\\link${ESC}]8;;${ESC}\\`, [['link', {}]]],
    [
      'bell\u0007 and nul\u0000',
      [
        ['bell', {}],
        [' and nul', {}]
      ]
    ]
  ])('%j', (text, expected) => {
    const found = parseAnsi(text).map(span => [
      span.text,
      Object.fromEntries(
        Object.entries(span.style).filter(([, value]) => value || value === 0)
      )
    ]);

    expect(found).toEqual(expected);
  });

  it('keeps what looks like markup as text', () => {
    expect(parseAnsi('<script>1</script>')[0].text).toBe('<script>1</script>');
  });
});

describe('stripAnsi', () => {
  it('leaves the words', () => {
    expect(stripAnsi(`${ESC}[1mKeyError${ESC}[0m: 'x'`)).toBe("KeyError: 'x'");
  });
});
