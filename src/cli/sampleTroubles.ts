/** Sample calls of people for whom something went wrong. */
import { DAYS, GOODBYE, NAMES, THANKS, type Story } from './sampleStory.ts';

export const TROUBLES: readonly Story[] = [
  {
    topic: 'delivery',
    values: {
      name: NAMES,
      order: ['A-48213', 'A-51907', 'B-10442', 'C-77350'],
      day: DAYS,
      item: ['a desk lamp', 'two pairs of shoes', 'a coffee grinder', 'a winter coat'],
    },
    greeting: [
      'Welcome to Northwind Parcels, what can I do for you?',
      'Northwind Parcels, hello. How may I help?',
    ],
    exchanges: [
      {
        caller: [
          'I ordered {item} last week and it still has not arrived.',
          'Hello, where is my parcel? It was to come on {day}.',
        ],
        agent: [
          'I am sorry about that. Could you tell me the order number, please?',
          'Let me look into it for you. What is your order number?',
        ],
      },
      {
        caller: ['It is {order}, in the name of {name}.', 'The number is {order}.'],
        agent: [
          'Thank you. I see that {order} is in our depot and goes out on {day}.',
          'The driver could not find the bell, so {order} was taken back to the depot.',
        ],
      },
      {
        chance: 0.6,
        caller: ['Can you bring it to my office instead?', 'Is it possible to change the address?'],
        agent: [
          'Of course. Please send us the new address by replying to our text message.',
          'Yes, until ten this evening you can change it with the link in our email.',
        ],
      },
      {
        chance: 0.5,
        caller: ['I will not be at home on {day}.', 'What happens if nobody opens the door?'],
        agent: [
          'Then we leave it with a neighbour and put a card in your letter box.',
          'We can keep it in the parcel shop for seven days. Shall I arrange that?',
        ],
      },
      {
        chance: 0.4,
        caller: ['Yes, please do that.', 'And will I get my shipping costs back?'],
        agent: [
          'I have noted it for you. You get a message as soon as it is there.',
          'Since it is our fault, I refund the shipping costs within three days.',
        ],
      },
    ],
    thanks: THANKS,
    goodbye: GOODBYE,
  },
  {
    topic: 'internet outage',
    values: {
      name: NAMES,
      light: ['red', 'orange', 'off'],
      street: ['Harbour Road', 'Elm Terrace', 'Station Square'],
      hour: ['three', 'five', 'six'],
    },
    greeting: [
      'Brightline Internet, technical support, how can I help?',
      'Hello, this is Brightline support. What is the matter?',
    ],
    exchanges: [
      {
        caller: [
          'My internet has been down since this morning.',
          'Nothing loads any more, neither on my phone nor on my laptop.',
        ],
        agent: [
          'I am sorry to hear that. What colour is the light on your router?',
          'That is annoying. Could you look whether the router shows a light?',
        ],
      },
      {
        caller: ['The light is {light}.', 'I can see it is {light}, and it used to be green.'],
        agent: [
          'Please unplug the router, wait thirty seconds and plug it in again.',
          'Then let us restart it: pull the plug, count to thirty, put it back.',
        ],
      },
      {
        chance: 0.7,
        caller: ['I did that, but it is still {light}.', 'Done. It blinks now, but there is no connection.'],
        agent: [
          'Thank you for trying. I see a fault in {street}; our technicians are on it.',
          'Then it is the line. I measured it just now and I do not reach your router.',
        ],
      },
      {
        chance: 0.6,
        caller: ['When will it work again?', 'How long is that going to take?'],
        agent: [
          'We expect it to work again by {hour} this afternoon.',
          'As a rule within four hours. We send you a message when it is done.',
        ],
      },
      {
        chance: 0.5,
        caller: [
          'I work from home. Will I get some money back?',
          'Do I have to pay for the days without internet?',
        ],
        agent: [
          'For every whole day without service we credit you one thirtieth of the month.',
          'No, {name}, the days without service come off your next bill by themselves.',
        ],
      },
    ],
    thanks: THANKS,
    goodbye: GOODBYE,
  },
  {
    topic: 'bank card',
    values: {
      name: NAMES,
      digits: ['4821', '0093', '7716', '3350'],
      shop: ['a petrol station', 'an online shop', 'a hotel abroad'],
      amount: ['48 dollars', '129 dollars', '310 dollars'],
    },
    greeting: [
      'Meridian Bank card service, how may I help you?',
      'Meridian Bank, good day. What can I do for you?',
    ],
    exchanges: [
      {
        caller: [
          'I have lost my bank card and would like to block it.',
          'There is a payment of {amount} at {shop} that I did not make.',
        ],
        agent: [
          'I take care of it at once. What are the last four digits of the card?',
          'Thank you for calling so quickly. Which card is it? The last four digits will do.',
        ],
      },
      {
        caller: ['They are {digits}.', 'It ends in {digits}, and I am {name}.'],
        agent: [
          'The card ending in {digits} is blocked now. Nobody can pay with it any more.',
          'Thank you. I have blocked {digits}; please never tell anyone your PIN, not even us.',
        ],
      },
      {
        chance: 0.7,
        caller: ['How do I get a new one?', 'When will the new card be here?'],
        agent: [
          'It comes by post within five working days, and the PIN in a letter of its own.',
          'Until it arrives you can pay with your phone: the new card is in our app already.',
        ],
      },
      {
        chance: 0.5,
        caller: ['Will I get back what was taken?', 'And what about the {amount}?'],
        agent: [
          'Please fill in the form in our app. Then we pay it back within ten days.',
          'We look into every payment that you dispute, and as a rule you get it back.',
        ],
      },
      {
        chance: 0.4,
        caller: ['Does the new card cost anything?', 'Do I have to pay for that?'],
        agent: ['No, a new card is free after a loss.', 'The first replacement in a year is free of charge.'],
      },
    ],
    thanks: THANKS,
    goodbye: GOODBYE,
  },
  {
    topic: 'electricity bill',
    values: {
      name: NAMES,
      number: ['20-4471', '20-9038', '31-1256'],
      month: ['August', 'September', 'October'],
      amount: ['84 dollars', '112 dollars', '187 dollars'],
    },
    greeting: [
      'Halden Energy, customer service, hello.',
      'You are speaking to Halden Energy. How can I help you?',
    ],
    exchanges: [
      {
        caller: [
          'My bill for {month} is {amount}, and that cannot be right.',
          'I do not understand my bill for {month}.',
        ],
        agent: [
          'Let us look at it together. What is your customer number?',
          'I understand. Could you give me your customer number, please?',
        ],
      },
      {
        caller: ['It is {number}, {name}.', 'One moment … it is {number}.'],
        agent: [
          'Thank you. I see that the meter was only estimated in {month}.',
          'I have your bill here. It holds a payment for two months, hence {amount}.',
        ],
      },
      {
        chance: 0.7,
        caller: ['And what can I do about that?', 'Can that be put right?'],
        agent: [
          'Read the meter today and tell us in our app; then we send you a new bill.',
          'I correct it right away. The new bill is with you in three days.',
        ],
      },
      {
        chance: 0.5,
        caller: ['Could I pay it in three parts?', 'I cannot pay all of that at once.'],
        agent: [
          'Yes, we can divide it into three monthly payments without interest.',
          'We find a way: pay a third now and the rest over two months.',
        ],
      },
      {
        chance: 0.4,
        caller: ['I am also moving next month. What do I have to do?', 'How do I give notice when I move?'],
        agent: [
          'Tell us the day and the new address; two weeks before is early enough.',
          'You can take your contract with you. I send you the form by email.',
        ],
      },
    ],
    thanks: THANKS,
    goodbye: GOODBYE,
  },
];
