// Reading the program's document: all that is wrong with it is told at once, each with its place as a JSON pointer.

const LONGEST = 1_048_576;
const LONGEST_NAME = 200;

const FIELDS = {
  name: (value) => value.length > 0 && value.length <= LONGEST_NAME ? null : `a name has 1 to ${LONGEST_NAME} characters`,
  currency: (value) => /^[A-Z]{3}$/.test(value) ? null : 'a currency is three letters of ISO 4217: "RUB"',
  percent: (value) =>
    /^(100(\.0{1,4})?|\d{1,2}(\.\d{1,4})?)$/.test(value) && Number(value) > 0
      ? null
      : 'a percentage is above 0, at most 100, and has at most 4 decimals: "7.5"',
};

/** The parsed document. Throws the findings where there are any. */
export function readDocument(text) {
  if (text.length > LONGEST) throw [finding('', 'too_large', 'a document has at most 1 MiB')];
  const document = parse(text);
  const findings = [];
  for (const [name, complaint] of Object.entries(FIELDS)) {
    const pointer = `/${name}`;
    if (!Object.hasOwn(document, name)) findings.push(finding(pointer, 'missing_field', `the field "${name}" is needed here`));
    else if (typeof document[name] !== 'string') findings.push(finding(pointer, 'wrong_type', 'this is a text'));
    else if (complaint(document[name])) findings.push(finding(pointer, 'out_of_range', complaint(document[name])));
  }
  for (const name of Object.keys(document)) {
    if (!Object.hasOwn(FIELDS, name)) {
      const pointer = `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
      findings.push(finding(pointer, 'unknown_field', `known here: ${Object.keys(FIELDS).join(', ')}`));
    }
  }
  if (findings.length > 0) throw findings;
  return { name: document.name, currency: document.currency, rate: partsPerMillion(document.percent) };
}

function parse(text) {
  let document;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw [finding('', 'invalid_json', `the document is not JSON: ${error.message}`)];
  }
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    throw [finding('', 'wrong_type', 'a document is an object')];
  }
  return document;
}

function partsPerMillion(percent) {
  const [whole, fraction = ''] = percent.split('.');
  return BigInt(whole + fraction.padEnd(4, '0'));
}

function finding(pointer, code, detail) {
  return { pointer, code, detail };
}
