/**
 * UTF-8 as a text with a character for each byte: made of bytes, cut, joined and made bytes again at the speed of copying,
 * where decoding and encoding what is not ASCII takes many times as long.
 */

const NOT_ASCII = /[^\0-\x7f]/;

export const byteTextOf = (text: string): string =>
  NOT_ASCII.test(text) ? Buffer.from(text).toString('latin1') : text;

export const textOf = (byteText: string): string =>
  NOT_ASCII.test(byteText) ? Buffer.from(byteText, 'latin1').toString() : byteText;
